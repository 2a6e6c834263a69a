import EventLog
import Events
import StageRuntime
import Testing

@testable import FanoutRouter

@Suite struct RetryScheduleTests {
    private let second: Int64 = 1_000_000_000

    @Test func `the standard schedule waits as promised and ends after eight attempts`() {
        let schedule = RetrySchedule(.standard)
        let waits = (1...8).map { attempts in
            schedule.nextDue(afterAttempts: attempts, now: 0, firstAttempt: 0, retryAfterSeconds: nil, chance: 0)
        }
        #expect(waits == [5, 300, 1800, 7200, 18_000, 36_000, 36_000].map { $0 * second } + [nil])
    }

    @Test func `jitter adds at most a fifth`() {
        let due = RetrySchedule(.standard).nextDue(
            afterAttempts: 1, now: 0, firstAttempt: 0, retryAfterSeconds: nil, chance: 1)
        #expect(due == 6 * second)
    }

    @Test func `Retry-After lengthens a wait, never shortens it, and is capped at a day`() {
        let schedule = RetrySchedule(waits: [.zero, .seconds(5)], jitter: false)
        func due(_ seconds: Int) -> Int64? {
            schedule.nextDue(afterAttempts: 1, now: 0, firstAttempt: 0, retryAfterSeconds: seconds, chance: 0)
        }
        #expect(due(1) == 5 * second)
        #expect(due(60) == 60 * second)
        #expect(due(10_000_000) == 86_400 * second)
    }

    @Test func `no attempt begins after the deadline`() {
        let schedule = RetrySchedule(waits: [.zero, .seconds(5), .seconds(30)], jitter: false, deadline: .seconds(15))
        let first = schedule.nextDue(afterAttempts: 1, now: 0, firstAttempt: 0, retryAfterSeconds: nil, chance: 0)
        let second = schedule.nextDue(
            afterAttempts: 2, now: 5_000_000_000, firstAttempt: 0, retryAfterSeconds: nil, chance: 0)
        #expect(first != nil)
        #expect(second == nil)
    }

    @Test func `only whole seconds are read from Retry-After`() {
        #expect(RetryAfter.seconds("120") == 120)
        #expect(RetryAfter.seconds("-1") == nil)
        #expect(RetryAfter.seconds("") == nil)
        #expect(RetryAfter.seconds("99999999999999999999") == nil)
        #expect(RetryAfter.seconds("Wed, 21 Oct 2026 07:28:00 GMT") == nil)
    }
}

@Suite struct LaneCursorTests {
    private func cursor(taken: UInt64 = 0, unfinished: [UInt64] = [], limit: Int = 5) -> LaneCursor {
        LaneCursor(
            SavedLane(
                progress: LaneProgress(subscription: "app", taken: taken, unfinished: unfinished), retrying: [],
                hasReplays: false), maxUnfinished: limit)
    }

    @Test func `what was under way when the process died is taken up again`() {
        var cursor = cursor(taken: 9, unfinished: [4, 7])
        #expect(cursor.takeReady(now: 0) == 4)
        #expect(cursor.takeReady(now: 0) == 7)
        #expect(cursor.takeReady(now: 0) == nil)
        #expect(cursor.inFlight == 2)
    }

    @Test func `a full lane stops reading`() {
        var cursor = cursor(limit: 2)
        cursor.take(1, now: 0)
        #expect(cursor.hasRoom)
        cursor.take(2, now: 0)
        #expect(!cursor.hasRoom)
        cursor.delivered(1)
        #expect(cursor.hasRoom)
    }

    @Test func `a retry is saved, woken when due, and cleared when delivered`() {
        var cursor = cursor()
        cursor.take(1, now: 100)
        #expect(cursor.attempted(1) == 1)
        cursor.retry(1, due: 500)
        #expect(cursor.inFlight == 0)
        #expect(cursor.nextDue == 500)
        var progress = cursor.takeProgress("app")
        #expect(progress.unfinished == [1])
        #expect(
            progress.changes == [
                .retrying(
                    RetryingDelivery(position: 1, attempts: 1, firstAttemptNanoseconds: 100, dueNanoseconds: 500))
            ])
        cursor.wake(now: 499)
        #expect(cursor.takeReady(now: 0) == nil)
        cursor.wake(now: 500)
        #expect(cursor.takeReady(now: 0) == 1)
        cursor.delivered(1)
        progress = cursor.takeProgress("app")
        #expect(progress.unfinished == [])
        #expect(progress.changes == [.cleared(position: 1)])
        #expect(!cursor.isDirty)
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
