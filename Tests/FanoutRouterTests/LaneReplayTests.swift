import EventLog
import LogSamples
import NIOCore
import PipelineConfiguration
import Primitives
import Testing

@testable import EventDelivery

/// Deliveries that are made again because an operator asked, over real sockets.
@Suite(.serialized) struct LaneReplayTests {
    let log: EventLogSettings
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        log = EventLogSettings(path: folder.file)
    }

    private func lane(
        _ subscriber: Subscriber, waits: [Duration] = [.zero], order: Bool = false, maxUnfinished: Int = 1000
    ) throws -> LaneSettings {
        LaneSettings(
            name: "app", place: subscriber.url,
            policy: RetryPolicy(RetryConfiguration(schedule: waits)), timeoutNanoseconds: patience.nanoseconds,
            maxUnfinished: maxUnfinished,
            keepsKeyOrder: order)
    }

    /// Queues and tells the lane, as the runner of replay jobs does.
    private func replay(_ positions: [UInt64], _ fixture: RouterFixture) throws -> Int {
        let count = try fixture.writer.perform { try $0.queueReplay(subscription: "app", positions: positions) }
        fixture.loop.execute { [hub = fixture.hub] in hub.value.replaysQueued("app") }
        return count
    }

    private func isIdle(_ fixture: RouterFixture) throws -> Bool {
        try fixture.withLane("app") { $0.cursor.eventCount == 0 && !$0.isReading } == true
    }

    /// Waits until the log knows that everything up to `position` was delivered: what it holds for unfinished is skipped
    /// by a replay.
    private func saved(_ position: UInt64) async throws {
        try await eventually {
            let progress = try EventLogReader(path: log.path).lane("app").progress
            return progress.taken == position && progress.unfinished.isEmpty
        }
    }

    private func queued(_ fixture: RouterFixture) throws -> Int {
        try fixture.reading.read { try $0.queuedReplays(subscription: "app", after: 0, limit: 9999).count }
    }

    @Test func `delivered events go out again by ticket, marked with their job and counted from the first attempt`()
        async throws
    {
        let subscriber = try Subscriber { number, _ in .status(number == 11 ? 503 : 200) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, waits: [.zero, .zero])])
        fixture.receive(1...10)
        _ = try await subscriber.wait(for: 10)
        try await saved(10)
        #expect(try replay([9, 4], fixture) == 2)
        let again = try await subscriber.wait(for: 13).dropFirst(10)
        #expect(Set(again.map(\.position)) == [4, 9])
        #expect(Set(again.map { $0.header("tributary-replay") }) == ["1"])
        #expect(subscriber.ledger.all.prefix(10).allSatisfy { $0.header("tributary-replay") == nil })
        #expect(Set(again.map { $0.header("webhook-id") }).count == Set(again.map(\.position)).count)
        try await eventually { try isIdle(fixture) && queued(fixture) == 0 }
        fixture.stop()
        let attempts = try fixture.reading.read { try $0.attempts(position: again.first?.position ?? 0) }
        #expect(attempts.map(\.attempt.number) == [1, 2])
        #expect(attempts.allSatisfy { $0.attempt.replay == 1 })
        #expect(try fixture.reading.read { try $0.deadLetterCounts() } == [:])
    }

    @Test func `a router killed amid a replay neither loses it nor repeats what had ended`() async throws {
        let subscriber = try Subscriber { number, request in
            number > 10 && number <= 14 && request.position > 2 ? .silence : .status(200)
        }
        let settings = try lane(subscriber)
        var fixture = try RouterFixture(log, lanes: [settings])
        fixture.receive(1...10)
        _ = try await subscriber.wait(for: 10)
        try await saved(10)
        // Two end, two hang.
        #expect(try replay([1, 2, 3, 4], fixture) == 4)
        _ = try await subscriber.wait(for: 14)
        try await eventually { try queued(fixture) == 2 }
        try fixture.abandon()
        fixture = try RouterFixture(log, lanes: [settings])
        try await eventually { try isIdle(fixture) && queued(fixture) == 0 }
        let again = subscriber.ledger.all.dropFirst(14)
        #expect(again.map(\.position).sorted() == [3, 4])
        #expect(again.allSatisfy { $0.header("tributary-replay") == "1" })
        fixture.stop()
    }

    @Test func `more replays than there is room for are all made`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, maxUnfinished: 7)])
        fixture.receive(1...100)
        _ = try await subscriber.wait(for: 100)
        try await saved(100)
        #expect(try replay(Array(1...100), fixture) == 100)
        #expect(Set(try await subscriber.wait(for: 200).dropFirst(100).map(\.position)) == Set(1...100))
        try await eventually { try isIdle(fixture) && queued(fixture) == 0 }
        #expect(subscriber.ledger.all.count == 200)
        fixture.stop()
    }

    @Test func `in key order a replay waits for no other event and holds none up`() async throws {
        let subscriber = try Subscriber { _, request in
            request.position == 2 || request.header("tributary-replay") != nil && request.position == 1
                ? .status(500) : .status(200)
        }
        let waits: [Duration] = [.zero, .seconds(3600)]
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, waits: waits, order: true)])
        fixture.receive(1...1)
        _ = try await subscriber.wait(for: 1)
        try await saved(1)
        fixture.receive(2...3)
        _ = try await subscriber.wait(for: 2)
        // Event 2 waits for its retry, 3 is held behind it; the replay of 1 goes all the same.
        #expect(try replay([1], fixture) == 1)
        _ = try await subscriber.wait(for: 3)
        try await eventually { try fixture.withLane("app") { $0.cursor.deliveries.waitingCount } == 2 }
        #expect(try fixture.explain(3)?.waitingFor == "an earlier event of its key, at position 2")
        fixture.stop()
    }

    @Test func `what a cancelled job queued and nobody began is not sent`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber)])
        fixture.receive(1...5)
        _ = try await subscriber.wait(for: 5)
        try await saved(5)
        // Taken up and kept from starting.
        try await fixture.loop.submit { [hub = fixture.hub] in
            guard let lane = hub.value.lane("app") else { return }
            lane.takeUp(QueuedReplay(position: 1, ticket: 1, job: 7))
            lane.takeUp(QueuedReplay(position: 2, ticket: 2, job: 8))
            hub.value.replaysCancelled("app", 7)
            lane.pump()
        }.get()
        #expect(try await subscriber.wait(for: 6).last?.position == 2)
        try await eventually { try isIdle(fixture) }
        #expect(subscriber.ledger.all.count == 6)
        fixture.stop()
    }
}
