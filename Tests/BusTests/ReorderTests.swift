import Bus
import SeededRandom
import Testing
import Wire

private let journal = JournalID(high: 1, low: 2)

private func window(first: UInt64 = 1, last: UInt64 = 0, records: UInt32 = 16, bytes: UInt64 = 1000) -> WindowNotice {
    WindowNotice(journal: journal, firstRetained: first, lastSequence: last, records: records, bytes: bytes)
}

struct ReorderTests {
    @Test func `whatever the order of arrival, each record leaves once and in order`() {
        for seed in UInt64(1)...300 {
            var random = SeededGenerator(seed: seed)
            var reorder = ReorderWindow<UInt64>(watermark: 0, released: 0, capacity: 16)
            var left: [UInt64] = []
            while left.count < 100 {
                let sequence = UInt64.random(in: 1...(reorder.watermark + 20), using: &random)
                let arrival = reorder.insert(sequence, sequence)
                #expect((arrival == .outsideWindow) == (sequence > reorder.watermark + 16), "seed \(seed)")
                if sequence <= UInt64(left.count) { #expect(arrival == .duplicate) }
                while let next = reorder.release() { left.append(next) }
                if Bool.random(using: &random) { reorder.committed(UInt64(left.count)) }
                let held = reorder.held(atMost: 100)
                #expect(held.allSatisfy { $0.first > reorder.watermark })
            }
            #expect(left == Array(1...UInt64(left.count)), "seed \(seed)")
        }
    }

    @Test func `the watermark is the whole memory: what is at or below it is a duplicate`() {
        var reorder = ReorderWindow<Int>(watermark: 10, released: 10, capacity: 4)
        #expect(reorder.insert(10, 0) == .duplicate)
        #expect(reorder.insert(11, 0) == .kept)
        #expect(reorder.insert(11, 0) == .duplicate)
        #expect(reorder.insert(15, 0) == .outsideWindow)
    }
}

struct LinkUpTests {
    @Test func `a settlement says how many records came only because they were sent again`() {
        var core = RouterCore<Int>(watermarks: [:], reorderBudgetBytes: 10_000)
        #expect(core.announced(window()) == .accepted)
        _ = core.arrived(journal, 1, isLaterCopy: false, 1)
        _ = core.arrived(journal, 1, isLaterCopy: true, 1)
        #expect(core.settlement(of: journal)?.laterCopies == 0, "the first copy was here before the second")
        _ = core.arrived(journal, 2, isLaterCopy: true, 2)
        #expect(core.settlement(of: journal)?.laterCopies == 1)
        core.settlementSent(to: journal)
        #expect(core.settlement(of: journal)?.laterCopies == 0)
    }

    @Test func `commits share a settlement, and what the next suspect waits for is told at once`() {
        var core = RouterCore<Int>(watermarks: [:], reorderBudgetBytes: 10_000)
        let (start, millisecond) = (1_000_000_000 as Int64, 1_000_000 as Int64)
        _ = core.announced(window())
        #expect(core.settlements(at: start, repeating: false).map(\.watermark) == [0], "the ingress linked up")
        for sequence in 1...2 as ClosedRange<UInt64> {
            _ = core.arrived(journal, sequence, isLaterCopy: false, 0)
            _ = core.release(journal)
            core.committed(journal, sequence)
            #expect(core.settlements(at: start + Int64(sequence) * millisecond, repeating: false).isEmpty)
        }
        #expect(core.pauseNanoseconds(at: start + 2 * millisecond) == 19 * millisecond)
        #expect(core.settlements(at: start + 21 * millisecond, repeating: false).map(\.watermark) == [2])
        #expect(core.pauseNanoseconds(at: start + 21 * millisecond) == nil)
        _ = core.arrived(journal, 5, isLaterCopy: false, 0)
        #expect(core.settlements(at: start + 22 * millisecond, repeating: false).isEmpty, "what is held has time")
        _ = core.arrived(journal, 4, isLaterCopy: false, isAlone: true, 0)
        #expect(
            core.settlements(at: start + 23 * millisecond, repeating: false).map(\.held) == [[SequenceRange(4, 5)]])
        #expect(core.settlements(at: start + 99 * millisecond, repeating: false).isEmpty, "nothing new")
        #expect(core.settlements(at: start + 199 * millisecond, repeating: true).count == 1)
    }

    @Test func `a restarted ingress forgets at once what was settled before it has read that back`() {
        var core = IngressCore(
            journal: journal, firstRetained: 6, nextSequence: 21, windowRecords: 100, windowBytes: 100_000,
            verdictTimeoutNanoseconds: 1)
        #expect(
            core.settled(SettlementNotice(journal: journal, watermark: 20, held: []), bootID: 1, at: 0) == .settled(20))
        #expect(core.wantedFromDisk() == nil)
    }

    @Test func `a window is reserved, or refused with a sentence`() {
        var core = RouterCore<Int>(watermarks: [:], reorderBudgetBytes: 1500)
        #expect(core.announced(window()) == .accepted)
        #expect(core.announced(window()) == .accepted, "the same journal again takes no more")
        let other = WindowNotice(
            journal: JournalID(high: 9, low: 9), firstRetained: 1, lastSequence: 0, records: 16, bytes: 1000)
        guard case .refused(let reason) = core.announced(other) else {
            Issue.record("a second window of 1000 bytes does not fit into 1500")
            return
        }
        #expect(reason.contains("1000"))
        #expect(core.arrived(other.journal, 1, isLaterCopy: false, 1) == nil, "nothing of a refused journal is taken")
    }

    @Test func `a router that lost its disk names the range that is gone and goes on behind it`() {
        var core = RouterCore<Int>(watermarks: [journal: 5], reorderBudgetBytes: 10_000)
        #expect(core.announced(window(first: 21, last: 30)) == .gone(SequenceRange(6, 20)))
        #expect(core.arrived(journal, 21, isLaterCopy: false, 21) == .kept)
        #expect(core.release(journal) == 21)
    }

    @Test func `an ingress whose journal is an old copy takes a new identity`() {
        var core = IngressCore(
            journal: journal, firstRetained: 8, nextSequence: 11, windowRecords: 16, windowBytes: 1 << 20,
            verdictTimeoutNanoseconds: 1)
        let ahead = SettlementNotice(journal: journal, watermark: 11, held: [])
        #expect(core.settled(ahead, bootID: 1, at: 0) == .renumber)
        #expect(!core.isRouterLinked)
        let fresh = JournalID(high: 3, low: 4)
        _ = core.renumbered(journal: fresh, firstRetained: 1, nextSequence: 4)
        #expect(core.windowNotice.journal == fresh && core.windowNotice.lastSequence == 3)
        #expect(core.settled(SettlementNotice(journal: fresh, watermark: 0, held: []), bootID: 1, at: 0) == .nothing)
        #expect(core.isRouterLinked)
        #expect(core.wantedFromDisk()?.from == 1)
    }

    @Test func `an old copy is noticed even if it has grown past the router's watermark since`() {
        var core = IngressCore(
            journal: journal, firstRetained: 8, nextSequence: 11, windowRecords: 16, windowBytes: 1 << 20,
            verdictTimeoutNanoseconds: 1)
        _ = core.journaled(first: 11, byteCounts: Array(repeating: 10, count: 9))
        #expect(
            core.settled(SettlementNotice(journal: journal, watermark: 12, held: []), bootID: 1, at: 0) == .renumber)
    }

    @Test func `a router that comes back with a changed window does not release anything twice`() {
        var core = RouterCore<Int>(watermarks: [:], reorderBudgetBytes: 10_000)
        _ = core.announced(window(records: 16))
        _ = core.arrived(journal, 1, isLaterCopy: false, 1)
        #expect(core.release(journal) == 1)
        _ = core.announced(window(records: 32))
        #expect(
            core.arrived(journal, 1, isLaterCopy: false, 1) == .duplicate,
            "it is on its way to the log, though not committed yet")
    }
}
