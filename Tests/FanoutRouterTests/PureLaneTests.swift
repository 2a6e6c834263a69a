import EventLog
import Events
import Testing

@testable import EventDelivery

@Suite struct LaneCursorTests {
    private func cursor(
        taken: UInt64 = 0, unfinished: [UInt64] = [], limit: Int = 5, mode: LaneSettings.Mode = .init()
    ) -> LaneCursor {
        LaneCursor(
            SavedLane(
                progress: LaneProgress(subscription: "app", taken: taken, unfinished: unfinished), retrying: [],
                hasReplays: false), maxUnfinished: limit, mode: mode)
    }

    /// A lane whose batch of the events 1 to 3 was put off once before its first attempt, and is under way again.
    private func savedBatch() -> LaneCursor {
        var cursor = cursor(mode: .init(inBatches: true))
        for position in 1...3 as ClosedRange<UInt64> { cursor.gather(position, now: 0) }
        #expect(cursor.startBatch(3, now: 0) == 1)
        cursor.retry(1, due: 5)
        cursor.wake(now: 5)
        #expect(cursor.start(now: 5) == 1)
        #expect(rows(&cursor) == [[1, 3]])
        return cursor
    }

    /// The first and last event of each row that is to be saved as retrying.
    private func rows(_ cursor: inout LaneCursor) -> [[UInt64]] {
        cursor.takeProgress("app").changes.compactMap { change in
            if case .retrying(let row) = change { [row.position, row.last] } else { nil }
        }
    }

    @Test func `a batch that becomes shorter is saved as what is left of it`() {
        var cursor = savedBatch()
        cursor.shorten(1, to: 2)
        #expect(rows(&cursor) == [[1, 2]])
        #expect(cursor.gathering.events == [3])
    }

    @Test(arguments: [true, false])
    func `each event of a batch that is split has a row of its own`(isGivenBack: Bool) {
        var cursor = savedBatch()
        cursor.reconfigure(.init(), maxUnfinished: 5, deadlineNanoseconds: nil)
        if isGivenBack { cursor.giveBack(1) } else { cursor.retry(1, due: 9) }
        #expect(rows(&cursor) == [[1, 1], [2, 2], [3, 3]])
    }

    @Test(arguments: [true, false])
    func `in key order the rest of a split batch goes out one by one when batches are asked for again`(
        restarts: Bool
    ) {
        var cursor = cursor(mode: .init(inBatches: true, keepsKeyOrder: true))
        for position in 1...3 as ClosedRange<UInt64> { cursor.gather(position, now: 0) }
        #expect(cursor.startBatch(3, now: 0) == 1)
        cursor.reconfigure(.init(keepsKeyOrder: true), maxUnfinished: 5, deadlineNanoseconds: nil)
        #expect(cursor.attemptEnded(1, number: 1) != nil)
        cursor.retry(1, due: 5)
        if restarts {
            let rows = cursor.takeProgress("app").changes.compactMap { change in
                if case .retrying(let row) = change { row } else { nil }
            }
            cursor = LaneCursor(
                SavedLane(
                    progress: LaneProgress(subscription: "app", taken: 3, unfinished: [1, 2, 3]), retrying: rows,
                    hasReplays: false), maxUnfinished: 5, mode: .init(inBatches: true, keepsKeyOrder: true))
        } else {
            cursor.reconfigure(
                .init(inBatches: true, keepsKeyOrder: true), maxUnfinished: 5, deadlineNanoseconds: nil)
        }
        cursor.wake(now: 5)
        for position in 1...3 as ClosedRange<UInt64> {
            #expect(cursor.start(isRetry: true, now: 5) == position)
            #expect(cursor.start(isRetry: true, now: 5) == nil)
            #expect(cursor.attemptEnded(position, number: 2) != nil)
            cursor.retry(position, due: 5)
            cursor.wake(now: 5)
            #expect(cursor.start(isRetry: true, now: 5) == position)
            cursor.delivered(position)
        }
    }

    @Test func `keys that were read for a former order are not used`() {
        let order = LaneSettings.Mode(keepsKeyOrder: true)
        var cursor = cursor(taken: 2, unfinished: [1, 2])
        cursor.reconfigure(order, maxUnfinished: 5, deadlineNanoseconds: nil)
        let former = cursor.unlined
        cursor.reconfigure(.init(), maxUnfinished: 5, deadlineNanoseconds: nil)
        cursor.reconfigure(order, maxUnfinished: 5, deadlineNanoseconds: nil)
        cursor.lineUp(former.positions, keys: [[1], [1]], epoch: former.epoch)
        #expect(!cursor.isLinedUp && cursor.deliveries.heldCount == 0)
        let latest = cursor.unlined
        cursor.lineUp(latest.positions, keys: [[1], [1]], epoch: latest.epoch)
        #expect(cursor.isLinedUp && cursor.deliveries.held == [2])
    }

    @Test func `what was under way when the process died is taken up again`() {
        var cursor = cursor(taken: 9, unfinished: [4, 7])
        #expect(cursor.start(now: 0) == 4)
        #expect(cursor.start(now: 0) == 7)
        #expect(cursor.start(now: 0) == nil)
        #expect(cursor.inFlight == 2)
    }

    @Test func `a full lane stops reading`() {
        var cursor = cursor(limit: 2)
        _ = cursor.take(1, now: 0)
        #expect(cursor.hasRoom)
        _ = cursor.take(2, now: 0)
        #expect(!cursor.hasRoom)
        cursor.delivered(1)
        #expect(cursor.hasRoom)
    }

    @Test func `a retry is saved, woken when due, and cleared when delivered`() {
        var cursor = cursor()
        _ = cursor.take(1, now: 100)
        #expect(cursor.attemptEnded(1, number: 1)?.attempts == 1)
        cursor.retry(1, due: 500)
        #expect(cursor.inFlight == 0)
        #expect(cursor.deliveries.nextDue == 500)
        var progress = cursor.takeProgress("app")
        #expect(progress.unfinished == [1])
        #expect(
            progress.changes == [
                .retrying(
                    RetryingDelivery(position: 1, attempts: 1, firstAttemptNanoseconds: 100, dueNanoseconds: 500))
            ])
        cursor.wake(now: 499)
        #expect(cursor.start(isRetry: true, now: 0) == nil)
        cursor.wake(now: 500)
        #expect(cursor.start(now: 0) == nil, "it is no first attempt")
        #expect(cursor.start(isRetry: true, now: 0) == 1)
        cursor.delivered(1)
        progress = cursor.takeProgress("app")
        #expect(progress.unfinished == [])
        #expect(progress.changes == [.cleared(position: 1)])
        #expect(!cursor.unsaved.isDirty)
    }

    @Test func `where retention overtakes the cursor one dead range is left`() {
        var cursor = cursor(taken: 10)
        cursor.expire(through: 99, now: 7)
        let progress = cursor.takeProgress("app")
        #expect(progress.taken == 99)
        #expect(
            progress.changes == [
                .dead(DeadLetter(first: 11, last: 99, reason: "expired", attempts: 0, diedAtNanoseconds: 7))
            ])
    }

    @Test(arguments: [
        ("participant.*", "participant.joined", true), ("participant.*", "participant", false), ("*", "", true),
        ("a*b*c", "aXXbYYc", true), ("a*b*c", "aXXcYYb", false), ("*.ready", "recording.ready", true),
        ("room.created", "room.created", true), ("room.created", "room.createdX", false), ("calls/*", "calls/", true),
    ])
    func `a star stands for any characters`(pattern: String, text: String, isMatch: Bool) {
        #expect(WildcardPattern(pattern).matches(text) == isMatch)
    }
}
