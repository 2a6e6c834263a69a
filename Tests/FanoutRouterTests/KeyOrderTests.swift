import EventLog
import LogSamples
import PipelineConfiguration
import Primitives
import Testing

@testable import EventDelivery

/// `order: key` over real sockets. The samples have no partition key, so their subject counts.
@Suite(.serialized) struct KeyOrderTests {
    let log: EventLogSettings
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        log = EventLogSettings(path: folder.file)
    }

    private func lane(
        _ subscriber: Subscriber, waits: [Duration] = [.zero, .zero], hold: Duration? = nil
    ) throws -> LaneSettings {
        LaneSettings(
            name: "app", place: subscriber.url,
            policy: RetryPolicy(RetryConfiguration(schedule: waits), holding: hold),
            timeoutNanoseconds: patience.nanoseconds, keepsKeyOrder: true)
    }

    /// Events of `keys` in turn, one per sequence.
    private func receive(_ sequences: ClosedRange<UInt64>, keys: Int, _ fixture: RouterFixture) {
        fixture.receive(sequences) { sequence in
            Sample.envelope(
                journal: RouterFixture.journal, sequence: sequence, ids: ["id-\(sequence)"],
                subject: "rooms/\(sequence % UInt64(keys))")
        }
    }

    private func byKey(_ requests: [Subscriber.Request], keys: Int) -> [UInt64: [UInt64]] {
        Dictionary(grouping: requests.map(\.position)) { $0 % UInt64(keys) }
    }

    @Test func `events of one key arrive in log order, other keys go on beside them`() async throws {
        let subscriber = try Subscriber { number, _ in .status(number % 7 == 0 ? 500 : 200) }
        let fixture = try RouterFixture(log, lanes: [try lane(subscriber, waits: Array(repeating: .zero, count: 20))])
        for start in stride(from: 1, to: 600 as UInt64, by: 30) { receive(start...(start + 29), keys: 10, fixture) }
        try await eventually {
            try fixture.withLane("app") { $0.cursor.taken == 600 && $0.cursor.deliveries.all.isEmpty } == true
        }
        for (_, positions) in byKey(subscriber.ledger.all, keys: 10) {
            var delivered: [UInt64] = []
            for position in positions where position != delivered.last { delivered.append(position) }
            #expect(delivered == delivered.sorted(), "a later event was attempted while an earlier one was unfinished")
            #expect(delivered.count == 60)
        }
        #expect(subscriber.ledger.connectionCount > 1, "keys run beside each other")
        fixture.stop()
    }

    @Test func `a key that fails is given up after its time, and the rest of it follows`() async throws {
        let subscriber = try Subscriber { _, request in .status(request.position == 1 ? 500 : 200) }
        let fixture = try RouterFixture(
            log,
            lanes: [
                try lane(subscriber, waits: Array(repeating: .milliseconds(100), count: 100), hold: .milliseconds(600))
            ])
        receive(1...20, keys: 2, fixture)
        try await eventually {
            try fixture.withLane("app") { $0.cursor.taken == 20 && $0.cursor.deliveries.all.isEmpty } == true
        }
        fixture.stop()
        let letters = try fixture.reading.read { try $0.deadLetters(subscription: "app", limit: 9) }
        #expect(letters.map(\.letter.first) == [1])
        let odd = subscriber.ledger.all.map(\.position).filter { $0 % 2 == 1 }
        let behind = try #require(odd.firstIndex { $0 != 1 })
        #expect(!odd[behind...].contains(1), "behind a failing event nothing of its key is attempted")
        #expect(Set(subscriber.ledger.all.map(\.position)) == Set(1...20))
    }

    @Test func `a killed router takes the order up again where it was`() async throws {
        let subscriber = try Subscriber { number, _ in number <= 4 ? .silence : .status(200) }
        let settings = try lane(subscriber, waits: Array(repeating: .zero, count: 5))
        var fixture = try RouterFixture(log, lanes: [settings])
        receive(1...40, keys: 4, fixture)
        try await eventually { fixture.watermark == 40 }
        _ = try await subscriber.wait(for: 4)
        // Saved while four hang and 36 are held.
        try await eventually { try EventLogReader(path: log.path).lane("app").progress.unfinished.count == 40 }
        try fixture.abandon()
        fixture = try RouterFixture(log, lanes: [settings])
        try await eventually { Set(subscriber.ledger.all.dropFirst(4).map(\.position)) == Set(1...40) }
        for (_, positions) in byKey(Array(subscriber.ledger.all.dropFirst(4)), keys: 4) {
            #expect(positions == positions.sorted())
        }
        fixture.stop()
    }
}
