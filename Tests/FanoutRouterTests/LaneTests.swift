import EventLog
import LogSamples
import PipelineConfiguration
import Primitives
import Synchronization
import Testing
import Wire

@testable import EventDelivery

/// Lanes against real subscribers over real sockets.
@Suite(.serialized) struct LaneTests {
    let folder: TemporaryFolder
    let log: EventLogSettings

    init() throws {
        folder = try TemporaryFolder()
        log = EventLogSettings(path: folder.file)
    }

    private func lane(
        _ subscriber: Subscriber, name: String = "app", waits: [Duration] = [.zero, .zero, .zero, .zero],
        matcher: EventMatcher = EventMatcher(), concurrency: Int = 30,
        timeoutNanoseconds: Int64 = patience.nanoseconds,
        maxUnfinished: Int = 1000
    ) throws -> LaneSettings {
        LaneSettings(
            name: name, place: subscriber.url, matcher: matcher,
            policy: RetryPolicy(RetryConfiguration(schedule: waits)), concurrency: concurrency,
            timeoutNanoseconds: timeoutNanoseconds, maxUnfinished: maxUnfinished)
    }

    @Test func `every event reaches every subscription once, over few connections`() async throws {
        let (first, second) = (try Subscriber { _, _ in .status(200) }, try Subscriber { _, _ in .status(204) })
        let fixture = try RouterFixture(
            log, lanes: [try lane(first, name: "one"), try lane(second, name: "two", concurrency: 4)])
        for start in stride(from: 1, to: 1000 as UInt64, by: 100) { fixture.receive(start...(start + 99)) }
        let (ones, twos) = (try await first.wait(for: 1000), try await second.wait(for: 1000))
        #expect(ones.map(\.position).sorted() == Array(1...1000))
        #expect(twos.map(\.position).sorted() == Array(1...1000))
        #expect(second.ledger.connectionCount <= 4)
        #expect(fixture.watermark == 1000)
        fixture.stop()
    }

    @Test func `one request at a time keeps the order of the log`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, concurrency: 1)])
        for start in stride(from: 1, to: 300 as UInt64, by: 10) { fixture.receive(start...(start + 9)) }
        #expect(try await subscriber.wait(for: 300).map(\.position) == Array(1...300))
        fixture.stop()
    }

    @Test func `events of an older copy that goes on have names that nobody had, and what it holds keeps its own`()
        async throws
    {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, concurrency: 1)])
        let prefixes = { subscriber.ledger.all.map { $0.header("webhook-id")?.dropFirst(4).prefix(16) ?? "" } }
        let first = fixture.lineage.current
        fixture.receive(1...2)
        _ = try await subscriber.wait(for: 2)
        fixture.writer.watermarkForced(journal: RouterFixture.journal, to: 3)
        fixture.receive(4...5)
        #expect(try await subscriber.wait(for: 4).map(\.position) == [1, 2, 3, 4])
        let second = fixture.lineage.current
        #expect(prefixes() == [first, first, second, second].map { $0.description.prefix(16) })
        fixture.stop()
    }

    @Test func `a filter lets only its events through and the cursor still moves`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let matcher = EventMatcher(types: ["room.*"], sources: ["stream"], subjects: ["calls/*"])
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, matcher: matcher)])
        fixture.receive(1...9) { sequence in
            Sample.envelope(
                journal: RouterFixture.journal, sequence: sequence, ids: ["id-\(sequence)"],
                type: sequence == 5 ? "dev.tributary.room.created" : "dev.tributary.participant.joined")
        }
        #expect(try await subscriber.wait(for: 1).map(\.position) == [5])
        try await eventually { try fixture.withLane("app") { $0.cursor.taken } == 9 }
        fixture.stop()
    }

    @Test func `failures are tried again and a delivery at last leaves no exception`() async throws {
        let answers: [Subscriber.Answer] = [.status(500), .close, .garbage, .status(200)]
        let subscriber = try Subscriber { number, _ in answers[min(number, 4) - 1] }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber)])
        fixture.receive(1...1)
        // The second request was cut off on a connection used before: it goes out again within the same attempt.
        let requests = try await subscriber.wait(for: 4)
        #expect(Set(requests.map { $0.header("webhook-id") }).count == 1)
        try await eventually { try fixture.withLane("app") { $0.cursor.deliveries.all.isEmpty } == true }
        fixture.stop()
        let reader = try EventLogReader(path: log.path)
        #expect(
            try reader.attempts(position: 1).map(\.attempt.outcome)
                == ["status", "response_malformed", "delivered"])
        #expect(try reader.deadLetterCounts() == [:])
    }

    @Test func `after the last attempt a delivery is dead, and a replay brings it back`() async throws {
        let subscriber = try Subscriber { number, _ in number <= 2 ? .status(503) : .status(200) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, waits: [.zero, .zero])])
        fixture.receive(1...1)
        try await eventually { try fixture.reading.read { try $0.deadLetterCounts() } == ["app": 1] }
        let letters = try fixture.reading.read { try $0.deadLetters(subscription: "app", limit: 9) }
        #expect(letters.map(\.letter.reason) == ["status 503"])
        #expect(letters.map(\.letter.attempts) == [2])
        #expect(try fixture.writer.perform { try $0.queueReplay(subscription: "app", positions: [1]) } == 1)
        _ = try fixture.withLane("app") { $0.replaysQueued() }
        #expect(try await subscriber.wait(for: 3).last?.position == 1)
        try await eventually { try fixture.withLane("app") { $0.cursor.deliveries.all.isEmpty } == true }
        fixture.stop()
        #expect(try fixture.reading.read { try $0.deadLetterCounts() } == [:])
    }

    @Test func `410 disables the subscription durably and enabling goes on at the same place`() async throws {
        let subscriber = try Subscriber { number, _ in number == 1 ? .status(410) : .status(200) }
        let settings = try lane(subscriber, concurrency: 1)
        var fixture = try RouterFixture(log, lanes: [settings])
        fixture.receive(1...3)
        try await eventually { try fixture.withLane("app") { $0.cursor.isDisabled } == true }
        fixture.stop()
        fixture = try RouterFixture(log, lanes: [settings])
        fixture.receive(4...4)
        #expect(try fixture.withLane("app") { $0.cursor.isDisabled } == true)
        #expect(subscriber.ledger.all.count == 1)
        _ = try fixture.withLane("app") { $0.resume() }
        let positions = try await subscriber.wait(for: 5).map(\.position)
        #expect(Set(positions) == [1, 2, 3, 4])
        fixture.stop()
    }

    @Test func `a redirect is a failure and not followed`() async throws {
        let elsewhere = try Subscriber { _, _ in .status(200) }
        let target = elsewhere.url
        let subscriber = try Subscriber { _, _ in .status(302, [("location", target)]) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, waits: [.zero])])
        fixture.receive(1...1)
        try await eventually { try fixture.reading.read { try $0.deadLetterCounts() } == ["app": 1] }
        #expect(elsewhere.ledger.all.isEmpty)
        #expect(
            try fixture.reading.read { try $0.attempts(position: 1) }.first?.attempt.detail.contains(target) == true)
        fixture.stop()
    }

    @Test func `a subscriber that says nothing runs into the time-out`() async throws {
        let subscriber = try Subscriber { _, _ in .silence }
        let fixture = try RouterFixture(
            log, lanes: [try lane(subscriber, waits: [.zero], timeoutNanoseconds: 50_000_000)])
        fixture.receive(1...1)
        try await eventually { try fixture.reading.read { try $0.deadLetterCounts() } == ["app": 1] }
        #expect(try fixture.reading.read { try $0.attempts(position: 1) }.map(\.attempt.outcome) == ["timeout"])
        fixture.stop()
    }

    @Test func `Retry-After is obeyed`() async throws {
        let subscriber = try Subscriber { _, _ in .status(429, [("retry-after", "60")]) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber)])
        fixture.receive(1...1)
        _ = try await subscriber.wait(for: 1)
        try await eventually { try fixture.withLane("app") { $0.cursor.deliveries.waitingCount } == 1 }
        let due = try #require(try fixture.withLane("app") { $0.cursor.deliveries.nextDue })
        let started = try #require(try fixture.withLane("app") { $0.cursor.deliveries[1]?.firstAttemptNanoseconds })
        #expect((due ?? 0) - (started ?? 0) >= 60_000_000_000)
        fixture.stop()
    }

    @Test func `a connection closed behind an answer costs no attempt`() async throws {
        let subscriber = try Subscriber { _, _ in .answerAndClose }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, waits: [.zero], concurrency: 3)])
        for sequence in 1...200 as ClosedRange<UInt64> { fixture.receive(sequence...sequence) }
        let positions = try await subscriber.wait(for: 200).map(\.position)
        try await eventually { try fixture.withLane("app") { $0.cursor.deliveries.all.isEmpty } == true }
        #expect(Set(positions) == Set(1...200))
        fixture.stop()
        #expect(try fixture.reading.read { try $0.deadLetterCounts() } == [:])
    }

    @Test func `an endless answer is cut off and still counts`() async throws {
        let subscriber = try Subscriber { _, _ in .large(5_000_000) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, waits: [.zero])])
        fixture.receive(1...1)
        try await eventually {
            try fixture.withLane("app") { $0.cursor.taken == 1 && $0.cursor.deliveries.all.isEmpty } == true
        }
        #expect(try fixture.reading.read { try $0.deadLetterCounts() } == [:])
        fixture.stop()
    }

    @Test func `a dead subscriber costs the others nothing and is hardly asked`() async throws {
        let (dead, alive) = (try Subscriber { _, _ in .status(500) }, try Subscriber { _, _ in .status(200) })
        let fixture = try RouterFixture(
            log,
            lanes: [
                try lane(dead, name: "dead", waits: [.zero, .seconds(3600)], maxUnfinished: 50),
                try lane(alive, name: "alive"),
            ], feedBytes: 20_000)
        for start in stride(from: 1, to: 2000 as UInt64, by: 50) { fixture.receive(start...(start + 49)) }
        #expect(Set(try await alive.wait(for: 2000).map(\.position)) == Set(1...2000))
        #expect(try fixture.withLane("dead") { $0.cursor.deliveries.all.count } ?? 99 <= 50)
        #expect(dead.ledger.all.count < 60, "the breaker lets through no more than were under way and probes")
        fixture.stop()
    }

    @Test func `a lane that lags behind the feed reads from the log and misses nothing`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, concurrency: 2)], feedBytes: 5000)
        for start in stride(from: 1, to: 3000 as UInt64, by: 100) { fixture.receive(start...(start + 99)) }
        let positions = try await subscriber.wait(for: 3000).map(\.position)
        #expect(Set(positions) == Set(1...3000))
        #expect(positions.count == 3000)
        fixture.stop()
    }

    @Test func `retention that overtakes a lane leaves one dead range`() async throws {
        var settings = log
        settings.retentionSeconds = 0
        let subscriber = try Subscriber { _, _ in .status(200) }
        let unreachable = try lane(subscriber)
        var fixture = try RouterFixture(settings, lanes: [unreachable])
        try fixture.abandon()
        fixture = try RouterFixture(settings, lanes: [])
        fixture.receive(1...20)
        fixture.receive(21...30)
        try await eventually { fixture.watermark == 30 }
        #expect(try fixture.writer.perform { try $0.dropExpired(nowNanoseconds: .max, rows: 100) } > 0)
        fixture.stop()
        fixture = try RouterFixture(settings, lanes: [unreachable])
        fixture.receive(31...31)
        #expect(try await subscriber.wait(for: 1).map(\.position) == [31])
        try await eventually { try fixture.reading.read { try $0.deadLetterCounts() } == ["app": 30] }
        let letters = try fixture.reading.read { try $0.deadLetters(subscription: "app", limit: 9) }
        #expect(letters.map(\.letter.reason) == ["expired"])
        #expect(letters.map(\.letter.first) == [1])
        fixture.stop()
    }

    @Test func `a killed router repeats little and loses nothing`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let settings = try lane(subscriber)
        var fixture = try RouterFixture(log, lanes: [settings])
        var sequence: UInt64 = 1
        for round in 1...5 {
            for _ in 0..<20 {
                fixture.receive(sequence...(sequence + 9))
                sequence += 10
            }
            // Nothing is saved on the way out: what was committed is all that the next process knows.
            if round.isMultiple(of: 2) { try await eventually { fixture.watermark == sequence - 1 } }
            fixture.writer.flush()
            let settled = fixture.watermark
            try fixture.abandon()
            fixture = try RouterFixture(log, lanes: [settings])
            // The ingress sends again what was not settled.
            if settled < sequence - 1 { fixture.receive((settled + 1)...(sequence - 1)) }
        }
        let last = sequence - 1
        try await eventually { Set(subscriber.ledger.all.map(\.position)).count == Int(last) }
        #expect(Set(subscriber.ledger.all.map(\.position)) == Set(1...last))
        fixture.stop()
    }

    @Test func `a subscription without a success for too long is disabled, keeps its place, and goes on when enabled`()
        async throws
    {
        let health = Health()
        let subscriber = try Subscriber { _, _ in .status(health.isWell.load(ordering: .relaxed) ? 200 : 500) }
        var settings = try lane(subscriber, waits: Array(repeating: .milliseconds(50), count: 1000))
        settings.disableAfterNanoseconds = 400_000_000
        let fixture = try RouterFixture(log, lanes: [settings])
        fixture.receive(1...3)
        try await eventually { try fixture.withLane("app") { $0.cursor.isDisabled } == true }
        #expect(try fixture.withLane("app") { $0.cursor.eventCount } == 3)
        health.isWell.store(true, ordering: .relaxed)
        _ = try fixture.withLane("app") { $0.resume() }
        try await eventually { try fixture.withLane("app") { $0.cursor.eventCount } == 0 }
        fixture.stop()
    }
}

/// Whether a subscriber answers well.
private final class Health: Sendable {
    let isWell = Atomic<Bool>(false)
}
