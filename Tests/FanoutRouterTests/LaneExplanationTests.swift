import EventLog
import LogSamples
import PipelineConfiguration
import Primitives
import Testing

@testable import EventDelivery

/// What a lane says of an event: `why` in the control API shows it.
@Suite(.serialized) struct LaneExplanationTests {
    let log: EventLogSettings
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        log = EventLogSettings(path: folder.file)
    }

    private func lane(
        _ subscriber: Subscriber, waits: [Duration] = [.zero, .seconds(3600)], matcher: EventMatcher = EventMatcher(),
        conditions: [ContentCondition] = [], concurrency: Int = 30, perSecond: Double? = nil
    ) throws -> LaneSettings {
        LaneSettings(
            name: "app", place: subscriber.url, matcher: matcher, conditions: conditions,
            policy: RetryPolicy(RetryConfiguration(schedule: waits)), concurrency: concurrency,
            requestsPerSecond: perSecond, timeoutNanoseconds: patience.nanoseconds)
    }

    @Test func `the first part of the filter that does not match is named with what was expected and found`()
        async throws
    {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let filters: [(EventMatcher, [ContentCondition], LaneExplanation.Mismatch)] = [
            (
                EventMatcher(types: ["room.*", "recording.ready"]), [],
                .init(part: .types, expected: "room.* or recording.ready", found: "participant.joined")
            ),
            (EventMatcher(sources: ["mux"]), [], .init(part: .sources, expected: "mux", found: "stream")),
            (EventMatcher(providers: ["mux"]), [], .init(part: .providers, expected: "mux", found: "nothing")),
            (
                EventMatcher(subjects: ["rooms/*"]), [],
                .init(part: .subjects, expected: "rooms/*", found: "calls/default:1")
            ),
            (EventMatcher(keys: ["k"]), [], .init(part: .keys, expected: "k", found: "nothing")),
            (
                EventMatcher(), [ContentCondition(pointer: "/a", test: .oneOf(["2", "3"]))],
                .init(part: .data, expected: "/a is 2 or 3", found: "1")
            ),
        ]
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber)])
        for (number, (matcher, conditions, expected)) in filters.enumerated() {
            try fixture.reconfigure(try lane(subscriber, matcher: matcher, conditions: conditions))
            let sequence = UInt64(number + 1)
            fixture.receive(sequence...sequence)
            try await eventually { try fixture.withLane("app") { $0.cursor.taken } == sequence }
            let explanation = try fixture.explain(sequence)
            #expect(explanation?.mismatch == expected)
            #expect(explanation?.state == .unmatched)
        }
        #expect(subscriber.ledger.all.isEmpty)
        fixture.stop()
    }

    @Test func `delivered, in flight, behind it, paused and disabled are told apart`() async throws {
        let subscriber = try Subscriber { number, _ in number == 1 ? .status(200) : .silence }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, concurrency: 1)])
        fixture.receive(1...5)
        _ = try await subscriber.wait(for: 2)
        let delivered = try #require(try fixture.explain(1))
        #expect(delivered.state == .delivered && delivered.matches && delivered.waitingFor == nil)
        #expect(delivered.unsaved.map(\.outcome) == ["delivered"])
        #expect(try fixture.explain(2)?.state == .inFlight)
        let behind = try #require(try fixture.explain(5))
        #expect(behind.state == .waiting && behind.ahead == 2 && behind.breaker == "closed")
        #expect(behind.waitingFor == "1 requests in flight of 1 allowed")
        _ = try fixture.withLane("app") { $0.pause() }
        #expect(try fixture.explain(5)?.state == .paused)
        #expect(try fixture.explain(5)?.waitingFor == "paused by an operator")
        #expect(try fixture.explain(2)?.state == .inFlight)
        _ = try fixture.withLane("app") { $0.disable("410") }
        #expect(try fixture.explain(5)?.state == .disabled)
        fixture.stop()
    }

    @Test func `a retry, an open breaker and a rate are told with their times`() async throws {
        let subscriber = try Subscriber { _, _ in .status(500) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, concurrency: 1)])
        fixture.receive(1...20)
        try await eventually { try fixture.explain(20)?.breaker == "open" }
        let retrying = try #require(try fixture.explain(1))
        #expect(retrying.state == .retrying)
        #expect(retrying.nextAttemptNanoseconds != nil)
        #expect(retrying.waitingFor?.hasPrefix("its retry at 20") == true)
        // Seen while it is open; after a second its probe goes out.
        try await eventually {
            try fixture.explain(20)?.waitingFor?.hasPrefix("the breaker is open until 20") == true
        }
        fixture.stop()
        let slow = try Subscriber { _, _ in .status(200) }
        let other = try TemporaryFolder()
        let rated = try RouterFixture(
            EventLogSettings(path: other.file), lanes: [try lane(slow, perSecond: 0.001)])
        rated.receive(1...3)
        _ = try await slow.wait(for: 1)
        try await eventually { try rated.explain(3)?.waitingFor == "the rate limit" }
        rated.stop()
    }
}
