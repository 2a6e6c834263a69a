import EventLog
import Foundation
import LogSamples
import NIOCore
import PipelineConfiguration
import Primitives
import Synchronization
import Testing

@testable import EventDelivery

/// Subscriptions that change while events flow, over real sockets.
@Suite(.serialized) struct LaneChangeTests {
    let log: EventLogSettings
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        log = EventLogSettings(path: folder.file)
    }

    private func lane(
        _ subscriber: Subscriber, name: String = "app", waits: [Duration] = [.zero, .zero, .zero],
        matcher: EventMatcher = EventMatcher(), order: Bool = false, batch: Bool = false,
        every: Int64 = 20_000_000, concurrency: Int = 30
    ) throws -> LaneSettings {
        LaneSettings(
            name: name, place: subscriber.url, matcher: matcher,
            policy: RetryPolicy(RetryConfiguration(schedule: waits)), concurrency: concurrency,
            timeoutNanoseconds: patience.nanoseconds, keepsKeyOrder: order,
            batch: batch ? .init(everyNanoseconds: every, maxEvents: 50) : nil)
    }

    /// The events of a request, single or batch.
    private func positions(_ request: Subscriber.Request) -> [UInt64] {
        let tree = try? JSONSerialization.jsonObject(with: Data(request.body))
        let events = tree as? [[String: Any]] ?? [tree as? [String: Any] ?? [:]]
        return events.compactMap { ($0["sequence"] as? String).flatMap { UInt64($0) } }
    }

    private func receive(_ sequences: ClosedRange<UInt64>, keys: UInt64, _ fixture: RouterFixture) {
        fixture.receive(sequences) { sequence in
            Sample.envelope(
                journal: RouterFixture.journal, sequence: sequence, ids: ["id-\(sequence)"],
                subject: "rooms/\(sequence % keys)")
        }
    }

    private func isDone(_ fixture: RouterFixture, through last: UInt64) throws -> Bool {
        try fixture.withLane("app") { $0.cursor.taken == last && $0.cursor.eventCount == 0 } == true
    }

    @Test(arguments: [true, false])
    func `the events of a batch that waits for its retry all arrive one by one when batches are given up`(
        restarts: Bool
    ) async throws {
        let isWell = Atomic<Bool>(false)
        let subscriber = try Subscriber { _, _ in .status(isWell.load(ordering: .relaxed) ? 200 : 503) }
        let waits = [Duration.zero] + Array(repeating: Duration.seconds(2), count: 100)
        // Long enough for three events to come, however busy the machine is.
        var fixture = try RouterFixture(
            log, lanes: [try lane(subscriber, waits: waits, batch: true, every: 1_000_000_000)])
        fixture.receive(1...3)
        try await eventually { try EventLogReader(path: log.path).lane("app").retrying.map(\.last) == [3] }
        if restarts {
            fixture.stop()
            fixture = try RouterFixture(log, lanes: [try lane(subscriber, waits: waits)])
        } else {
            try fixture.reconfigure(try lane(subscriber, waits: waits))
        }
        isWell.store(true, ordering: .relaxed)
        try await eventually { try isDone(fixture, through: 3) }
        let requests = subscriber.ledger.all.map { positions($0) }
        let batches = requests.prefix { $0 == [1, 2, 3] }
        #expect(!batches.isEmpty)
        #expect(Set(requests.dropFirst(batches.count)) == [[1], [2], [3]], "each by itself")
        fixture.stop()
        #expect(try EventLogReader(path: log.path).lane("app").retrying == [])
        let attempts = try fixture.reading.read { try $0.attempts(position: 2) }.map(\.attempt.number)
        #expect(attempts.first == batches.count + 1, "what was tried with the batch counts")
    }

    @Test func `events taken one by one that wait go out in batches when these are asked for`() async throws {
        let subscriber = try Subscriber { number, _ in .status(number <= 2 ? 503 : 200) }
        let waits: [Duration] = [.zero, .milliseconds(300), .zero]
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, waits: waits, concurrency: 2)])
        fixture.receive(1...20)
        _ = try await subscriber.wait(for: 2)
        try fixture.reconfigure(try lane(subscriber, waits: waits, batch: true))
        try await eventually { try isDone(fixture, through: 20) }
        let delivered = subscriber.ledger.all.dropFirst(2).flatMap { positions($0) }
        #expect(Set(delivered) == Set(1...20))
        fixture.stop()
    }

    @Test func `settings of every kind change again and again while events flow, and none is lost`() async throws {
        let (one, two) = (
            try Subscriber { number, _ in .status(number % 11 == 0 ? 500 : 200) },
            try Subscriber { _, _ in .status(200) }
        )
        let waits = Array(repeating: Duration.zero, count: 30)
        let fixture = try RouterFixture(log, lanes: [try lane(one, waits: waits)], feedBytes: 40_000)
        for round in 0..<60 as Range<UInt64> {
            receive((round * 50 + 1)...(round * 50 + 50), keys: 7, fixture)
            let subscriber = round % 5 == 4 ? two : one
            var settings = try lane(
                subscriber, waits: waits, order: round % 2 == 1, batch: round % 3 == 2,
                concurrency: [1, 4, 30][Int(round % 3)])
            settings.maxUnfinished = [100, 300, 1000][Int(round % 3)]
            settings.requestsPerSecond = round % 4 == 3 ? 2000 : nil
            try fixture.reconfigure(settings, reconnects: round % 5 >= 3 || round % 5 == 0)
            if round % 7 == 3 { _ = try fixture.withLane("app") { $0.pause() } }
            try await Task.sleep(for: .milliseconds(3))
            if round % 7 == 3 { _ = try fixture.withLane("app") { $0.resume() } }
        }
        try fixture.reconfigure(try lane(two, waits: waits), reconnects: true)
        try await eventually { try isDone(fixture, through: 3000) }
        let delivered = (one.ledger.all + two.ledger.all).flatMap { positions($0) }
        #expect(Set(delivered) == Set(1...3000))
        #expect(try fixture.reading.read { try $0.deadLetterCounts() } == [:])
        fixture.stop()
    }

    @Test func `the order of keys is kept while everything else changes`() async throws {
        let subscriber = try Subscriber { number, _ in .status(number % 5 == 0 ? 500 : 200) }
        let waits = Array(repeating: Duration.zero, count: 30)
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, waits: waits, order: true)])
        for round in 0..<40 as Range<UInt64> {
            receive((round * 25 + 1)...(round * 25 + 25), keys: 5, fixture)
            var settings = try lane(
                subscriber, waits: waits, order: true, batch: round % 4 == 3, concurrency: [2, 30][Int(round % 2)])
            settings.timeoutNanoseconds += Int64(round)
            try fixture.reconfigure(settings, reconnects: round % 3 == 0)
            try await Task.sleep(for: .milliseconds(2))
        }
        try fixture.reconfigure(try lane(subscriber, waits: waits, order: true))
        try await eventually { try isDone(fixture, through: 1000) }
        let requests = subscriber.ledger.all.map { positions($0) }
        #expect(Set(requests.joined()) == Set(1...1000))
        for key in 0..<5 as Range<UInt64> {
            let attempts = requests.map { $0.filter { $0 % 5 == key } }.filter { !$0.isEmpty }
            // Whatever was tried again, as a batch or by itself, begins where its last attempt began.
            var (began, next) = (UInt64(0), key == 0 ? 5 : key)
            for attempt in attempts {
                #expect(attempt == attempt.sorted() && Set(attempt).count == attempt.count)
                #expect(
                    attempt[0] == began || attempt[0] == next,
                    "key \(key): \(attempt) was attempted before what came before it had ended")
                (began, next) = (attempt[0], attempt[attempt.count - 1] + 5)
            }
        }
        fixture.stop()
    }

    @Test func `a key order asked for later lines up what is unfinished, and giving it up lets it go`() async throws {
        let health = Health()
        let subscriber = try Subscriber { _, request in
            health.isWell.load(ordering: .relaxed) ? .status(200) : request.position == 1 ? .status(500) : .silence
        }
        let waits = [Duration.zero] + Array(repeating: .milliseconds(300), count: 10_000)
        var settings = try lane(subscriber, waits: waits)
        settings.timeoutNanoseconds = 500_000_000
        let fixture = try RouterFixture(log, lanes: [settings])
        receive(1...2, keys: 1, fixture)
        _ = try await subscriber.wait(for: 2)
        settings.keepsKeyOrder = true
        try fixture.reconfigure(settings)
        receive(3...5, keys: 1, fixture)
        try await eventually { try fixture.withLane("app") { $0.cursor.deliveries.heldCount } ?? 0 >= 3 }
        let text = try fixture.explain(4)
        #expect(text?.state == .held)
        #expect(text?.waitingFor == "an earlier event of its key, at position 1")
        settings.keepsKeyOrder = false
        try fixture.reconfigure(settings)
        #expect(try fixture.withLane("app") { $0.cursor.deliveries.heldCount } == 0)
        health.isWell.store(true, ordering: .relaxed)
        try await eventually { try isDone(fixture, through: 5) }
        fixture.stop()
    }

    @Test func `a new filter counts for the events that were not yet taken`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try RouterFixture(
            log, lanes: [try lane(subscriber, matcher: EventMatcher(subjects: ["rooms/0"]))])
        receive(1...10, keys: 2, fixture)
        try await eventually { try isDone(fixture, through: 10) }
        try fixture.reconfigure(try lane(subscriber, matcher: EventMatcher(subjects: ["rooms/1"])))
        receive(11...20, keys: 2, fixture)
        try await eventually { try isDone(fixture, through: 20) }
        #expect(subscriber.ledger.all.map(\.position).sorted() == [2, 4, 6, 8, 10, 11, 13, 15, 17, 19])
        fixture.stop()
    }

    @Test func `a paused subscription keeps its place over a restart, and what was under way ends`() async throws {
        let health = Health()
        let subscriber = try Subscriber { number, _ in
            number == 1 ? .held(200) { health.isWell.load(ordering: .relaxed) } : .status(200)
        }
        var fixture = try RouterFixture(log, lanes: [try lane(subscriber, concurrency: 1)])
        fixture.receive(1...5)
        _ = try await subscriber.wait(for: 1)
        _ = try fixture.withLane("app") { $0.pause() }
        health.isWell.store(true, ordering: .relaxed)
        try await eventually { try fixture.withLane("app") { $0.cursor.inFlight } == 0 }
        #expect(try fixture.withLane("app") { $0.cursor.taken } == 1)
        #expect(try fixture.withLane("app") { $0.cursor.eventCount } == 0)
        #expect(try fixture.explain(3)?.state == .paused)
        fixture.stop()
        fixture = try RouterFixture(log, lanes: [try lane(subscriber, concurrency: 1)])
        fixture.receive(6...6)
        try await eventually { fixture.watermark == 6 }
        #expect(try fixture.withLane("app") { $0.cursor.isPaused } == true)
        #expect(subscriber.ledger.all.count == 1)
        _ = try fixture.withLane("app") { $0.resume() }
        #expect(try await subscriber.wait(for: 6).map(\.position) == [1, 2, 3, 4, 5, 6])
        fixture.stop()
    }

    @Test func `a lane that is added begins at once, one that is removed keeps its place and sends nothing`()
        async throws
    {
        let (first, second) = (try Subscriber { _, _ in .status(200) }, try Subscriber { _, _ in .status(200) })
        let fixture = try RouterFixture(log, lanes: [try lane(first, name: "one")])
        fixture.receive(1...10)
        _ = try await first.wait(for: 10)
        try fixture.add(try lane(second, name: "two"))
        fixture.receive(11...20)
        #expect(try await second.wait(for: 10).map(\.position).sorted() == Array(11...20))
        try await eventually { try fixture.withLane("two") { $0.cursor.eventCount } == 0 }
        try fixture.remove("two")
        fixture.receive(21...30)
        _ = try await first.wait(for: 30)
        #expect(second.ledger.all.count == 10)
        try fixture.add(try lane(second, name: "two"))
        #expect(try await second.wait(for: 20).suffix(10).map(\.position).sorted() == Array(21...30))
        fixture.stop()
    }

    @Test func `a test request is marked, needs nothing but the endpoint, and counts nowhere`() async throws {
        let subscriber = try Subscriber { _, _ in .status(503) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber)])
        _ = try fixture.withLane("app") { $0.pause() }
        let ended = fixture.loop.makePromise(of: AttemptRecord.self)
        fixture.loop.execute { [hub = fixture.hub] in
            hub.value.lane("app")?.probe(
                .single(
                    DeliveryContent(
                        contentType: Array("application/json".utf8), body: .buffer(ByteBuffer(string: "{}"))))
            ) { ended.succeed($0) }
        }
        let record = try await ended.futureResult.get()
        #expect(record.outcome == "status" && record.status == 503)
        #expect(record.answer == [0x20, 0x20], "the subscriber answers with two blanks")
        let request = try #require(subscriber.ledger.all.first)
        #expect(request.header("tributary-test") == "true")
        #expect(request.header("webhook-id")?.contains("_test-") ?? true)
        #expect(try fixture.withLane("app") { $0.history.attempts { _ in true }.count } == 0)
        #expect(try fixture.withLane("app") { $0.gate.failingSince == nil } == true)
        fixture.stop()
    }
}

/// Whether a subscriber answers well.
private final class Health: Sendable {
    let isWell = Atomic<Bool>(false)
}

extension RouterFixture {
    /// What the lane says of an event.
    func explain(_ position: UInt64, lane name: String = "app") throws -> LaneExplanation? {
        guard let batch = try reading.read({ try $0.batch(holding: position) }) else { return nil }
        return try withLane(name) { $0.explain(position, in: batch) }
    }
}
