import Bus
import Testing
import Wire

private let journal = JournalID(high: 1, low: 2)
private let millisecond: Int64 = 1_000_000

/// What makes batches larger and notices fewer.
struct BatchingTests {
    private func record(_ sequence: UInt64, batch: UInt64, isAlone: Bool = false) -> WorkRecord<Bool> {
        WorkRecord(
            journal: journal, sequence: sequence, isAlone: isAlone, byteCount: 100, link: 1, batch: batch, payload: true
        )
    }

    /// A verifier with a normaliser that takes whatever comes.
    private func verifier() -> WorkerCore<Bool> {
        var core = WorkerCore<Bool>(isolatesSuspects: true, gatheringNanoseconds: Limits.gatheringNanoseconds)
        core.intakes.linked(1)
        _ = core.downstreamLinked(9, role: .normaliser, link: 1)
        core.credited(
            9,
            CreditNotice(
                grantedThrough: 1000, receivedThrough: 0, mostRecords: 100, mostBytes: 100_000, unfinished: []))
        return core
    }

    private func take(_ sequence: UInt64, _ core: inout WorkerCore<Bool>, isAlone: Bool = false) {
        #expect(core.intakes.received(batch: sequence, records: 1, from: 1) == true)
        core.enqueue(record(sequence, batch: sequence, isAlone: isAlone))
    }

    private func passOn(_ core: inout WorkerCore<Bool>, at now: Int64) -> [UInt64] {
        guard let order = core.nextOrder() else { return [] }
        core.taken(order, at: now)
        return order.records.map(\.sequence)
    }

    @Test func `what is judged gathers for a few milliseconds, but not after a pause`() {
        var core = verifier()
        #expect(core.gatheringPause(at: 0) == nil)
        take(1, &core)
        #expect(core.isToPassOn(at: 0), "nothing was passed on for long")
        #expect(passOn(&core, at: 0) == [1])
        take(2, &core)
        #expect(!core.isToPassOn(at: millisecond, withArrivals: true))
        take(3, &core)
        #expect(!core.isToPassOn(at: 4 * millisecond))
        #expect(core.gatheringPause(at: 4 * millisecond) == millisecond)
        #expect(core.isToPassOn(at: 4 * millisecond, withArrivals: true), "it is awake anyway")
        #expect(core.isToPassOn(at: 5 * millisecond))
        #expect(passOn(&core, at: 5 * millisecond) == [2, 3])
    }

    @Test func `what was left behind for want of credit goes as soon as there is some`() {
        var core = verifier()
        core.credited(
            9,
            CreditNotice(grantedThrough: 1, receivedThrough: 0, mostRecords: 1, mostBytes: 100_000, unfinished: []))
        take(1, &core)
        take(2, &core)
        #expect(passOn(&core, at: 0) == [1])
        #expect(core.isToPassOn(at: 1))
        #expect(passOn(&core, at: 1).isEmpty)
    }

    @Test func `nobody's credit and no suspect waits for what gathers`() {
        var core = verifier()
        take(1, &core)
        #expect(passOn(&core, at: 0) == [1])
        for sequence in 2..<UInt64(Limits.creditBatches + 2) {
            #expect(!core.isToPassOn(at: millisecond))
            take(sequence, &core)
        }
        #expect(core.isToPassOn(at: millisecond), "the upstream may send no more")
        #expect(passOn(&core, at: millisecond).count == Limits.creditBatches)
        take(8, &core, isAlone: true)
        #expect(core.isToPassOn(at: millisecond))
    }

    @Test func `a verifier is handed the next batch when it has judged the last, and all that came meanwhile`() {
        var core = IngressCore(
            journal: journal, firstRetained: 1, nextSequence: 1, windowRecords: 100, windowBytes: 100_000,
            verdictTimeoutNanoseconds: 1)
        _ = core.settled(SettlementNotice(journal: journal, watermark: 0, held: []), bootID: 1, at: 0)
        _ = core.verifierLinked(1, link: 1)
        core.credited(
            1, CreditNotice(grantedThrough: 4, receivedThrough: 0, mostRecords: 50, mostBytes: 100_000, unfinished: []))
        _ = core.journaled(first: 1, byteCounts: [100, 100])
        #expect(core.nextOrder(at: 0)?.ranges == [SequenceRange(1, 2)])
        _ = core.journaled(first: 3, byteCounts: [100])
        _ = core.journaled(first: 4, byteCounts: [100, 100])
        #expect(core.nextOrder(at: 0) == nil)
        var verdicts = VerdictNotice(journal: journal)
        verdicts.add(1, .accepted)
        _ = core.decided(verdicts)
        #expect(core.nextOrder(at: 0) == nil, "it is still at work")
        verdicts.add(2, .accepted)
        _ = core.decided(verdicts)
        #expect(core.nextOrder(at: 0)?.ranges == [SequenceRange(3, 5)])
        // A verdict that is lost costs no more than the wait for the credit.
        core.credited(
            1, CreditNotice(grantedThrough: 6, receivedThrough: 2, mostRecords: 50, mostBytes: 100_000, unfinished: []))
        _ = core.journaled(first: 6, byteCounts: [100])
        #expect(core.nextOrder(at: 0)?.ranges == [SequenceRange(6, 6)])
    }

    @Test func `an upstream hears of credit when it has none left, or may send twice as much at once`() {
        var intakes = WorkerCore<Bool>(isolatesSuspects: true).intakes
        intakes.linked(1)
        #expect(intakes.credit(for: 1, at: 0)?.mostRecords == 1)
        for batch in UInt64(1)...4 {
            #expect(intakes.received(batch: batch, records: 1, from: 1) == true)
            intakes.finished(records: 1, ofBatch: batch, from: 1)
            #expect((intakes.credit(for: 1, at: 0) != nil) == (batch == 4))
        }
        #expect(intakes.received(batch: 5, records: 1, from: 1) == true)
        intakes.worked(2, at: 0)
        #expect(intakes.credit(for: 1, at: 0) == nil, "nothing is finished")
        intakes.finished(records: 1, ofBatch: 5, from: 1)
        #expect(intakes.credit(for: 1, at: 0)?.mostRecords == 2)
    }
}
