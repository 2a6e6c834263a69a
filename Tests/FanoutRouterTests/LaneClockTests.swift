import EventLog
import NIOEmbedded
import PipelineConfiguration
import Testing

@testable import EventDelivery

/// Nothing waits by the wall clock, which operators and daemons set.
@Suite struct LaneClockTests {
    private static let second: Int64 = 1_000_000_000
    private static let today: Int64 = 1_790_000_000 * second

    @Test func `a batch goes out after its time, wherever the wall clock is set meanwhile`() throws {
        for jump in [-600, 0, 86_400] as [Int64] {
            var wall = Self.today
            let batch = LaneSettings.Batch(everyNanoseconds: Self.second, maxEvents: 1000)
            let fixture = try VirtualLane(
                VirtualLane.settings(.standard, batch: batch), events: 3, wall: { wall },
                subscriber: { _ in (.answered(status: 200, retryAfterSeconds: nil), .zero) })
            fixture.run(until: .milliseconds(500))
            wall += jump * Self.second
            fixture.run(until: .milliseconds(999))
            #expect(fixture.attempts.isEmpty)
            fixture.run(for: .milliseconds(1))
            #expect(fixture.attempts.map(\.name) == ["1-3-3"])
        }
    }

    @Test func `disable_after counts the time that passed, and says since when by the wall clock`() throws {
        var wall = Self.today
        var settings = try VirtualLane.settings(
            RetryConfiguration(schedule: [.zero, .seconds(10)], repeatsLast: true, deadline: .seconds(86_400)))
        settings.disableAfterNanoseconds = 60 * Self.second
        let fixture = try VirtualLane(
            settings, events: 1, wall: { wall },
            subscriber: { _ in
                wall += 3600 * Self.second
                return (.answered(status: 500, retryAfterSeconds: nil), .zero)
            })
        fixture.run(until: .seconds(59))
        #expect(!fixture.lane.cursor.isDisabled)
        fixture.run(until: .seconds(61))
        #expect(fixture.lane.cursor.isDisabled)
    }

    /// A clock that showed another time when the due times were saved.
    @Test(arguments: [-86_400, -60, 0, 60, 86_400, 3_000_000] as [Int64])
    func `what was saved under another wall clock waits no longer than its policy's longest wait`(error: Int64) throws {
        let retry = RetryConfiguration(schedule: [.zero, .seconds(300)], repeatsLast: true)
        let saved = SavedLane(
            progress: LaneProgress(subscription: "app", taken: 1, unfinished: [1]),
            retrying: [
                RetryingDelivery(
                    position: 1, attempts: 1, firstAttemptNanoseconds: Self.today + error * Self.second,
                    dueNanoseconds: Self.today + (error + 300) * Self.second)
            ])
        let fixture = try VirtualLane(
            VirtualLane.settings(retry), events: 1, saved: saved, wall: { Self.today },
            subscriber: { _ in (.answered(status: 200, retryAfterSeconds: nil), .zero) })
        fixture.run(until: .seconds(min(300, max(0, error + 300))) + .milliseconds(1))
        #expect(fixture.attempts.map(\.name) == ["1"])
    }

    @Test func `what is saved and shown is wall time`() throws {
        let retry = RetryConfiguration(schedule: [.zero, .seconds(300)], repeatsLast: true)
        let fixture = try VirtualLane(
            VirtualLane.settings(retry), events: 1, wall: { Self.today },
            subscriber: { _ in (.answered(status: 503, retryAfterSeconds: nil), .zero) })
        fixture.run(for: .zero)
        let progress = try #require(fixture.lane.takeProgress())
        #expect(
            progress.changes == [
                .retrying(
                    RetryingDelivery(
                        position: 1, attempts: 1, firstAttemptNanoseconds: Self.today,
                        dueNanoseconds: Self.today + 300 * Self.second))
            ])
        #expect(progress.attempts.map(\.startedNanoseconds) == [Self.today])
    }
}
