import EventLog
import Foundation
import LogSamples
import PipelineConfiguration
import Primitives
import Synchronization
import Testing

@testable import EventDelivery

/// Batch mode over real sockets.
@Suite(.serialized) struct BatchTests {
    let log: EventLogSettings
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        log = EventLogSettings(path: folder.file)
    }

    private func lane(
        _ subscriber: Subscriber, every: Duration = .milliseconds(100), most: Int = 1000,
        waits: [Duration] = [.zero, .zero, .zero], order: Bool = false, matcher: EventMatcher = EventMatcher()
    ) throws -> LaneSettings {
        LaneSettings(
            name: "app", place: subscriber.url, matcher: matcher,
            policy: RetryPolicy(RetryConfiguration(schedule: waits)), timeoutNanoseconds: patience.nanoseconds,
            keepsKeyOrder: order,
            batch: .init(everyNanoseconds: every.nanoseconds, maxEvents: most))
    }

    private static func sequences(_ request: Subscriber.Request) throws -> [Int] {
        let tree = try JSONSerialization.jsonObject(with: Data(request.body)) as? [[String: Any]]
        return try #require(tree).compactMap { ($0["sequence"] as? String).flatMap { Int($0) } }
    }

    @Test func `what came in one period goes out in one request, at most so many, the rest in the next`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, every: .milliseconds(400), most: 100)])
        fixture.receive(1...250)
        try await eventually { try subscriber.ledger.all.flatMap { try Self.sequences($0) }.count == 250 }
        let batches = try subscriber.ledger.all.map { try Self.sequences($0) }
        #expect(batches.map(\.count) == [100, 100, 50])
        #expect(batches.joined().elementsEqual(1...250))
        #expect(subscriber.ledger.all.allSatisfy { $0.header("content-type") == "application/cloudevents-batch+json" })
        try await eventually { try fixture.withLane("app") { $0.cursor.eventCount } == 0 }
        fixture.stop()
    }

    @Test func `a batch that failed is sent again whole, under the same id`() async throws {
        let subscriber = try Subscriber { number, _ in .status(number < 3 ? 503 : 200) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber)])
        fixture.receive(1...40)
        try await eventually { subscriber.ledger.all.count >= 3 }
        fixture.receive(41...50)
        let requests = try await subscriber.wait(for: 4)
        #expect(Set(requests.prefix(3).map { $0.header("webhook-id") }).count == 1)
        #expect(Set(requests.prefix(3).map(\.body)).count == 1)
        #expect(try Self.sequences(requests[0]) == Array(1...40))
        #expect(try Self.sequences(requests[3]) == Array(41...50))
        fixture.stop()
    }

    @Test func `a killed router sends a failed batch again whole, and what was under way in new batches`() async throws
    {
        let isWell = Atomic<Bool>(false)
        let subscriber = try Subscriber { number, request in
            if isWell.load(ordering: .relaxed) { return .status(200) }
            return (try? Self.sequences(request).first) == 1 ? .status(503) : .silence
        }
        let settings = try lane(subscriber, waits: [.zero] + Array(repeating: .seconds(2), count: 100))
        var fixture = try RouterFixture(log, lanes: [settings])
        fixture.receive(1...30)
        _ = try await subscriber.wait(for: 1)
        fixture.receive(31...60)
        _ = try await subscriber.wait(for: 2)
        try await eventually {
            let saved = try EventLogReader(path: log.path).lane("app")
            return saved.progress.unfinished.count == 60 && saved.retrying.map(\.last) == [30]
        }
        try fixture.abandon()
        let before = subscriber.ledger.all
        isWell.store(true, ordering: .relaxed)
        fixture = try RouterFixture(log, lanes: [settings])
        try await eventually { try fixture.withLane("app") { $0.cursor.eventCount } == 0 }
        let after = subscriber.ledger.all.dropFirst(before.count)
        let again = after.filter { $0.header("webhook-id") == before[0].header("webhook-id") }
        #expect(!again.isEmpty)
        #expect(again.allSatisfy { $0.body == before[0].body })
        #expect(Set(try after.flatMap { try Self.sequences($0) }) == Set(1...60))
        fixture.stop()
    }

    @Test func `each event of a batch that died is a dead letter of its own`() async throws {
        let subscriber = try Subscriber { number, _ in .status(number == 1 ? 500 : 200) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, waits: [.zero])])
        fixture.receive(1...5)
        try await eventually { try fixture.reading.read { try $0.deadLetterCounts() } == ["app": 5] }
        #expect(try fixture.writer.perform { try $0.queueReplay(subscription: "app", positions: [3]) } == 1)
        _ = try fixture.withLane("app") { $0.replaysQueued() }
        let requests = try await subscriber.wait(for: 2)
        #expect(try Self.sequences(requests[1]) == [3])
        fixture.stop()
    }

    @Test func `in key order one batch is under way at a time`() async throws {
        let subscriber = try Subscriber { number, _ in .status(number % 3 == 1 ? 500 : 200) }
        let fixture = try RouterFixture(
            log,
            lanes: [
                try lane(
                    subscriber, every: .milliseconds(20), most: 10, waits: Array(repeating: .zero, count: 9),
                    order: true)
            ])
        for start in stride(from: 1, to: 100 as UInt64, by: 10) { fixture.receive(start...(start + 9)) }
        try await eventually {
            try fixture.withLane("app") { $0.cursor.taken == 100 && $0.cursor.eventCount == 0 } == true
        }
        let firsts = try subscriber.ledger.all.map { try Self.sequences($0).first ?? 0 }
        #expect(firsts == firsts.sorted())
        fixture.stop()
    }
}
