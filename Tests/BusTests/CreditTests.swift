import Bus
import SeededRandom
import Testing
import Wire

private let journal = JournalID(high: 1, low: 2)

private func range(_ first: UInt64, _ last: UInt64) -> JournalRange {
    JournalRange(journal, SequenceRange(first, last))
}

struct CreditTests {
    /// What is said of a worker that held a batch, when its link failed and `bootID` says hello as the same instance.
    private func lost(by former: UInt64, heardAgainAs bootID: UInt64, beforeItIsFound: Bool) -> [Unfinished] {
        var feeder = Feeder()
        func life(_ bootID: UInt64) -> WorkerLife { WorkerLife(instance: "verifier-0", bootID: bootID) }
        _ = feeder.linked(1, role: .verifier, link: 1, life: life(former))
        feeder.credited(
            1, CreditNotice(grantedThrough: 1, receivedThrough: 0, mostRecords: 9, mostBytes: 9, unfinished: []))
        _ = feeder.sent(to: 1, ranges: [range(1, 4)])
        if beforeItIsFound {
            return feeder.linked(2, role: .verifier, link: 2, life: life(bootID)) + feeder.gone(1)
        }
        return feeder.gone(1) + feeder.linked(2, role: .verifier, link: 2, life: life(bootID))
    }

    @Test(arguments: [true, false])
    func `a link to another host that fails is no death, and a worker that comes back as another process is one`(
        beforeItIsFound: Bool
    ) {
        let same = lost(by: 7, heardAgainAs: 7, beforeItIsFound: beforeItIsFound)
        #expect(same.map(\.isDeath) == [false])
        let another = lost(by: 7, heardAgainAs: 8, beforeItIsFound: beforeItIsFound)
        #expect(another.map(\.isDeath) == [true])
        #expect((same + another).map(\.ranges) == [[range(1, 4)], [range(1, 4)]])
    }

    @Test func `a worker is never sent more batches than it granted, whatever is lost or repeated`() {
        for seed in UInt64(1)...200 {
            var random = SeededGenerator(seed: seed)
            var feeder = Feeder()
            var intake = Intake()
            _ = feeder.linked(1, role: .verifier, link: 1)
            var inHand: [UInt64] = []
            var sent: UInt64 = 0
            for _ in 0..<500 {
                switch Int.random(in: 0..<4, using: &random) {
                case 0:
                    let notice = intake.notice(mostRecords: 4, mostBytes: 1000)
                    if !Bool.random(using: &random) { feeder.credited(1, notice) }
                    if Bool.random(using: &random) { feeder.credited(1, notice) }
                case 1:
                    guard feeder.pick() != nil else { continue }
                    sent = feeder.sent(to: 1, ranges: [range(sent + 1, sent + 1)])
                    let arrives = Int.random(in: 0..<10, using: &random) > 0
                    if arrives, intake.received(batch: sent, records: 1) { inHand.append(sent) }
                case 2:
                    if let done = inHand.popLast() { intake.finished(records: 1, ofBatch: done) }
                default:
                    intake.learned(lastSent: feeder.lastSent(to: 1))
                }
                #expect(inHand.count <= Limits.creditBatches, "seed \(seed)")
            }
            for done in inHand { intake.finished(records: 1, ofBatch: done) }
            intake.learned(lastSent: feeder.lastSent(to: 1))
            feeder.credited(1, intake.notice(mostRecords: 4, mostBytes: 1000))
            #expect(feeder.isIdle && feeder.pick() != nil, "seed \(seed): the link is stuck")
        }
    }

    @Test func `what a dead worker had not finished is named, in the order sent`() {
        var feeder = Feeder()
        _ = feeder.linked(1, role: .normaliser, link: 7)
        feeder.credited(
            1,
            CreditNotice(
                grantedThrough: 2, receivedThrough: 0, mostRecords: 10, mostBytes: 1000, unfinished: []))
        _ = feeder.sent(to: 1, ranges: [range(1, 4)])
        _ = feeder.sent(to: 1, ranges: [range(5, 6)])
        feeder.credited(
            1,
            CreditNotice(
                grantedThrough: 3, receivedThrough: 2, mostRecords: 10, mostBytes: 1000, unfinished: [2]))
        let lost = feeder.gone(1)
        #expect(lost == [Unfinished(role: .normaliser, ranges: [range(5, 6)], wasAlone: false)])
        #expect(feeder.gone(1).isEmpty)
    }

    @Test func `a suspect goes only to a worker that holds nothing else`() {
        var feeder = Feeder()
        for peer in [1, 2] {
            _ = feeder.linked(peer, role: .normaliser, link: UInt64(peer))
            feeder.credited(
                peer,
                CreditNotice(
                    grantedThrough: 2, receivedThrough: 0, mostRecords: 10, mostBytes: 1000, unfinished: []))
            _ = feeder.sent(to: peer, ranges: [range(UInt64(peer), UInt64(peer))])
        }
        #expect(feeder.pickIdle() == nil, "both are busy; one of them is sent nothing more now")
        let others = (0..<4).compactMap { _ in feeder.pick()?.peer }
        #expect(Set(others).count == 1)
        let reserved = 3 - others[0]
        feeder.credited(
            reserved,
            CreditNotice(
                grantedThrough: 3, receivedThrough: 1, mostRecords: 10, mostBytes: 1000, unfinished: []))
        #expect(feeder.pickIdle()?.peer == reserved)
        _ = feeder.sent(to: reserved, ranges: [range(9, 9)], alone: true)
        #expect((0..<4).allSatisfy { _ in feeder.pick()?.peer != reserved }, "it gets nothing beside the suspect")
        #expect(feeder.gone(reserved).map(\.wasAlone) == [true])
    }

    @Test func `a batch is no larger than what was finished in the last 10 ms`() {
        var rate = FinishRate()
        #expect(rate.batchRecords(at: 0) == 1)
        rate.add(40, at: 1_000_000)
        rate.add(30, at: 5_000_000)
        #expect(rate.batchRecords(at: 9_000_000) == 70)
        #expect(rate.batchRecords(at: 13_000_000) == 30)
        rate.add(10_000, at: 14_000_000)
        #expect(rate.batchRecords(at: 14_000_000) == Limits.batchRecords)
        #expect(rate.batchRecords(at: 1_000_000_000) == 1)
    }
}

struct VerdictWaitTests {
    @Test func `each webhook is answered exactly once: with its verdict, or when the time is over`() {
        for seed in UInt64(1)...200 {
            var random = SeededGenerator(seed: seed)
            var wait = VerdictWait(timeoutNanoseconds: 100)
            var answered: [UInt64: Int] = [:]
            var (next, now): (UInt64, Int64) = (1, 0)
            func note(_ answers: [AnswerRange]) {
                for answer in answers {
                    for sequence in answer.sequences.first...answer.sequences.last {
                        answered[sequence, default: 0] += 1
                    }
                }
            }
            for _ in 0..<300 {
                now += Int64.random(in: 0...30, using: &random)
                if Bool.random(using: &random) {
                    let last = next + UInt64.random(in: 0...4, using: &random)
                    wait.wait(for: SequenceRange(next, last), at: now)
                    next = last + 1 + UInt64.random(in: 0...2, using: &random)
                }
                let first = UInt64.random(in: 1...next, using: &random)
                note(wait.decided(.init(sequences: SequenceRange(first, first + 3), verdict: .accepted)))
                note(wait.expire(at: now))
                if Int.random(in: 0..<8, using: &random) == 0 {
                    note(wait.giveUp(from: first))
                    #expect(!wait.waits(from: first))
                }
            }
            note(wait.giveUp(from: 0))
            #expect(answered.values.allSatisfy { $0 == 1 }, "seed \(seed)")
            #expect(wait.nextDeadline == nil)
        }
    }

    @Test func `after a wait in vain nobody waits until a verdict comes`() {
        var wait = VerdictWait(timeoutNanoseconds: 100)
        wait.wait(for: SequenceRange(1, 1), at: 0)
        #expect(wait.expire(at: 100) == [AnswerRange(sequences: SequenceRange(1, 1), verdict: nil)])
        #expect(wait.isHopeless)
        #expect(wait.decided(.init(sequences: SequenceRange(1, 1), verdict: .accepted)).isEmpty)
        #expect(!wait.isHopeless)
    }

    @Test func `after a wait in vain a journal of a new identity waits again`() {
        var wait = VerdictWait(timeoutNanoseconds: 100)
        wait.wait(for: SequenceRange(1, 2), at: 0)
        wait.wait(for: SequenceRange(3, 3), at: 50)
        #expect(wait.expire(at: 100).count == 1 && wait.isHopeless)
        #expect(wait.restart() == [AnswerRange(sequences: SequenceRange(3, 3), verdict: nil)])
        #expect(!wait.isHopeless && wait.nextDeadline == nil)
    }
}
