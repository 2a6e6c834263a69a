import Dispatch
import EventLog
import LogSamples
import PipelineConfiguration
import Testing

@testable import EventDelivery

/// Batches that a subscriber or retention makes smaller.
@Suite struct BatchLimitTests {
    private static let accepted = AttemptOutcome.answered(status: 200, retryAfterSeconds: nil)
    private static let tooLarge = AttemptOutcome.answered(status: 413, retryAfterSeconds: nil)
    private static let unwell = AttemptOutcome.answered(status: 503, retryAfterSeconds: nil)

    private func fixture(
        events: Int, maxBytes: Int = 4 << 20, retry: RetryConfiguration = .stream, order: Bool = false,
        _ subscriber: @escaping VirtualLane.Subscriber
    ) throws -> VirtualLane {
        let batch = LaneSettings.Batch(everyNanoseconds: 1_000_000_000, maxEvents: 1000, maxBytes: maxBytes)
        return try VirtualLane(
            VirtualLane.settings(retry, batch: batch, keepsKeyOrder: order), events: events, subscriber: subscriber)
    }

    /// The first, last and number of events that a name says.
    private func range(_ name: String) throws -> ClosedRange<UInt64> {
        let parts = name.split(separator: "-").compactMap { UInt64($0) }
        let (first, last, count) = (try #require(parts.first), parts.dropFirst().first ?? 0, parts.last ?? 0)
        #expect(parts.count == 3 && last - first + 1 == count)
        return first...last
    }

    @Test(arguments: [false, true])
    func `a batch that is too large is halved until it fits, in order, each half under a name of its own`(
        order: Bool
    ) throws {
        let fixture = try fixture(events: 8, order: order) { attempt in
            (attempt.bodyBytes > 1000 ? Self.tooLarge : Self.accepted, .milliseconds(5))
        }
        fixture.run(until: .seconds(60))
        var delivered: [UInt64] = []
        for attempt in fixture.attempts where attempt.bodyBytes <= 1000 { delivered += Array(try range(attempt.name)) }
        #expect(delivered == Array(1...8))
        #expect(Set(fixture.attempts.map(\.name)).count == fixture.attempts.count, "nothing is sent twice")
        #expect(fixture.attempts.first?.name == "1-8-8")
        #expect(fixture.lane.cursor.eventCount == 0 && fixture.deadLetters().isEmpty)
        #expect(fixture.lane.gate.failingSince == nil, "an answer about a size is no failure of the endpoint")
        if order { #expect(fixture.destination.mostInFlight == 1) }
    }

    @Test func `one event that is too large alone is a dead letter with that cause, the others are delivered`() throws {
        let fixture = try fixture(events: 8) { attempt in
            let range = (try? self.range(attempt.name)) ?? 0...0
            return (range.contains(5) ? Self.tooLarge : Self.accepted, .zero)
        }
        fixture.run(until: .seconds(60))
        #expect(fixture.deadLetters() == [5: "status 413: too large for the subscriber even alone"])
        #expect(fixture.attempts.last { $0.name.hasPrefix("5-") }?.name == "5-5-1")
        #expect(fixture.attempts.count { $0.name == "5-5-1" } == 1, "not tried again")
        #expect(fixture.lane.cursor.eventCount == 0)
    }

    @Test func `in key order the second half waits until the first one is delivered, retries included`() throws {
        var failures = 2
        let fixture = try fixture(events: 8, order: true) { attempt in
            if attempt.name == "1-8-8" { return (Self.tooLarge, .zero) }
            failures -= attempt.name == "1-4-4" ? 1 : 0
            return (failures >= 0 && attempt.name == "1-4-4" ? Self.unwell : Self.accepted, .zero)
        }
        fixture.run(until: .seconds(60))
        #expect(fixture.attempts.map(\.name) == ["1-8-8", "1-4-4", "1-4-4", "1-4-4", "5-8-4"])
    }

    @Test func `a half keeps its name over its retries, and what is saved names it`() throws {
        let fixture = try fixture(events: 8) { attempt in
            attempt.name == "1-8-8" ? (Self.tooLarge, .zero) : (Self.unwell, .zero)
        }
        fixture.run(until: .milliseconds(1100))
        let retrying = (fixture.lane.takeProgress()?.changes ?? []).compactMap { change -> ClosedRange<UInt64>? in
            guard case .retrying(let delivery) = change else { return nil }
            return delivery.position...delivery.last
        }
        #expect(retrying == [1...4, 5...8])
        fixture.run(until: .seconds(60))
        #expect(fixture.times(of: "1-4-4").count == 3 && fixture.times(of: "5-8-4").count == 3)
        #expect(fixture.deadLetters().values.allSatisfy { $0 == "status 503" })
    }

    @Test func `a request holds no more than max_bytes, and a larger event travels alone`() throws {
        let single = try fixture(events: 1) { _ in (Self.accepted, .zero) }
        single.run(until: .seconds(2))
        let event = try #require(single.attempts.first).bodyBytes - 2
        for (maxBytes, counts) in [
            (3 * event + 4, [3, 3, 2]), (3 * event + 3, [2, 2, 2, 2]), (event + 2, Array(repeating: 1, count: 8)),
            (10, Array(repeating: 1, count: 8)),
        ] {
            let fixture = try fixture(events: 8, maxBytes: maxBytes) { _ in (Self.accepted, .zero) }
            fixture.run(until: .seconds(60))
            #expect(try fixture.attempts.map { try range($0.name).count } == counts)
            #expect(fixture.attempts.allSatisfy { $0.bodyBytes <= max(maxBytes, event + 2) })
        }
    }

    @Test func `a batch whose first events retention dropped carries and names the rest, and these are expired`() throws
    {
        let fixture = try fixture(events: 8, retry: RetryConfiguration(schedule: [.zero, .seconds(5), .seconds(5)])) {
            ($0.time < .seconds(7) ? Self.unwell : Self.accepted, .zero)
        }
        fixture.run(until: .seconds(3))
        fixture.source.drop(1...3)
        fixture.run(until: .seconds(8))
        #expect(fixture.attempts.map(\.name) == ["1-8-8", "4-8-5"])
        #expect(fixture.deadLetters() == [1: "expired", 2: "expired", 3: "expired"])
        fixture.run(until: .seconds(60))
        #expect(fixture.attempts.map(\.name) == ["1-8-8", "4-8-5", "4-8-5"])
        #expect(fixture.attempts[1].bodyBytes < fixture.attempts[0].bodyBytes)
        #expect(fixture.lane.cursor.eventCount == 0 && fixture.deadLetters().isEmpty)
    }

    @Test(arguments: [2...2, 7...8, 1...8, 3...6] as [ClosedRange<UInt64>])
    func `what is gathered and gone when it is sent is expired, exactly that`(dropped: ClosedRange<UInt64>) throws {
        let fixture = try fixture(events: 8) { _ in (Self.accepted, .zero) }
        fixture.source.drop(dropped)
        fixture.run(until: .seconds(3))
        let rest = Array(1...8 as ClosedRange<UInt64>).filter { !dropped.contains($0) }
        let names = rest.isEmpty ? [] : ["\(rest[0])-\(rest[rest.count - 1])-\(rest.count)"]
        #expect(fixture.attempts.map(\.name) == names)
        #expect(fixture.deadLetters() == Dictionary(uniqueKeysWithValues: dropped.map { ($0, "expired") }))
        #expect(fixture.lane.cursor.eventCount == 0)
    }

    @Test func `after a restart a batch that retention shortened is sent and booked without what is gone`() async throws
    {
        let folder = try TemporaryFolder()
        var log = EventLogSettings(path: folder.file)
        log.retentionSeconds = 0
        let isHalted = DispatchSemaphore(value: 0)
        let subscriber = try Subscriber { number, _ in
            if number == 1 { isHalted.wait() }
            return .status(number == 1 ? 503 : 200)
        }
        let settings = LaneSettings(
            name: "app", place: subscriber.url,
            policy: RetryPolicy(RetryConfiguration(schedule: [.zero, .milliseconds(1)])),
            batch: .init(everyNanoseconds: 1_000_000, maxEvents: 1000))
        var fixture = try RouterFixture(log, lanes: [settings])
        _ = try fixture.withLane("app") { $0.pause() }
        for sequences in [1...3, 4...6] as [ClosedRange<UInt64>] {
            fixture.receive(sequences)
            try await eventually { try fixture.withLane("app") { $0.source.feed.next } == sequences.upperBound + 1 }
        }
        // The batch fails, and a halt keeps its retry for the next process.
        _ = try fixture.withLane("app") { $0.resume() }
        _ = try await subscriber.wait(for: 1)
        _ = try fixture.withLane("app") { $0.pause() }
        isHalted.signal()
        try await eventually { try fixture.withLane("app") { $0.cursor.deliveries.waitingCount } == 1 }
        fixture.stop()
        #expect(subscriber.ledger.all.first?.header("webhook-id")?.hasSuffix("_1-6-6") == true)
        fixture = try RouterFixture(log, lanes: [])
        #expect(try fixture.writer.perform { try $0.dropExpired(nowNanoseconds: .max, rows: 1) } == 1)
        fixture.stop()
        fixture = try RouterFixture(log, lanes: [settings])
        _ = try fixture.withLane("app") { $0.resume() }
        try await eventually { try fixture.withLane("app") { $0.cursor.eventCount } == 0 }
        fixture.stop()
        #expect(subscriber.ledger.all.last?.header("webhook-id")?.hasSuffix("_4-6-3") == true)
        let letters = try fixture.reading.read { try $0.deadLetters(subscription: "app", limit: 9) }.map(\.letter)
        #expect(letters.map(\.first) == [1, 2, 3] && letters.allSatisfy { $0.reason == "expired" })
    }
}
