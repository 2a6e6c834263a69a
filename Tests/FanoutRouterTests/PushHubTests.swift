import EventLog
import LogSamples
import NIOCore
import Primitives
import Testing
import Threads
import Wire

@testable import EventDelivery
@testable import PipelineConfiguration

/// Watchers over the real log, whose outputs take as much as the test says.
@Suite(.serialized) struct PushHubTests {
    let folder: TemporaryFolder
    let log: EventLogSettings

    init() throws {
        folder = try TemporaryFolder()
        log = EventLogSettings(path: folder.file)
    }

    private func fixture(feedBytes: Int = 32 << 20, push: PushConfiguration = PushConfiguration()) throws
        -> RouterFixture
    {
        try RouterFixture(log, lanes: [], feedBytes: feedBytes, push: push)
    }

    /// Until the hub knows of everything up to a position.
    private func hubHas(_ position: UInt64, _ fixture: RouterFixture) async throws {
        let token = PositionToken(fixture.lineage.current, position)
        try await eventually { try fixture.loop.submit { fixture.push.value.headToken }.wait() == token }
    }

    /// One event per position about its own call of so many.
    private func receive(_ positions: ClosedRange<UInt64>, calls: UInt64, _ fixture: RouterFixture) {
        fixture.receive(positions) {
            Sample.envelope(
                journal: RouterFixture.journal, sequence: $0, ids: ["id-\($0)"], subject: "calls/default:\($0 % calls)")
        }
    }

    @Test(arguments: [1, 32 << 20])
    func `a watcher sees every event in order, then that it is caught up, from the feed and from disk`(feedBytes: Int)
        async throws
    {
        let fixture = try fixture(feedBytes: feedBytes)
        fixture.receive(1...50)
        try await hubHas(50, fixture)
        let early = try Probe(fixture, from: .earliest)
        let late = try Probe(fixture, from: .latest)
        try await eventually { try early.isCaughtUp && late.isCaughtUp }
        #expect(try early.seen == (1...50).map { "\($0)" } + ["caught up"])
        fixture.receive(51...60)
        try await eventually { try early.positions.count == 60 && late.positions.count == 10 }
        #expect(try early.positions == Array(1...60))
        #expect(try late.positions == Array(51...60))
        fixture.stop()
    }

    @Test func `a token is gone on behind, and one that is not of this log is a gap that is said`() async throws {
        let fixture = try fixture()
        fixture.receive(1...9)
        try await hubHas(9, fixture)
        let resumed = try Probe(fixture, from: .behind(PositionToken(fixture.lineage.current, 7)))
        let other = try Probe(fixture, from: .behind(PositionToken(JournalID(high: 1, low: 1), 7)))
        let beyond = try Probe(fixture, from: .behind(PositionToken(fixture.lineage.current, 99)))
        try await eventually { try resumed.isCaughtUp && other.isCaughtUp && beyond.isCaughtUp }
        #expect(try resumed.seen == ["8", "9", "caught up"])
        #expect(try other.seen == ["gap"] + (1...9).map { "\($0)" } + ["caught up"])
        #expect(try beyond.seen == ["gap", "caught up"])
        fixture.stop()
    }

    @Test func `an older copy of a log goes on under a new id, and tokens of what it never had are a gap`() async throws
    {
        let fixture = try fixture()
        fixture.receive(1...5)
        try await hubHas(5, fixture)
        let first = fixture.lineage.current
        fixture.writer.watermarkForced(journal: RouterFixture.journal, to: 7)
        fixture.receive(8...9)
        try await eventually { fixture.watermark == 9 }
        try await hubHas(7, fixture)
        let second = fixture.lineage.current
        #expect(first != second)
        let kept = try Probe(fixture, from: .behind(PositionToken(first, 4)))
        let lost = try Probe(fixture, from: .behind(PositionToken(first, 7)))
        let new = try Probe(fixture, from: .behind(PositionToken(second, 6)))
        try await eventually { try kept.isCaughtUp && lost.isCaughtUp && new.isCaughtUp }
        #expect(try kept.seen == ["5", "6", "7", "caught up"])
        #expect(try lost.seen == ["gap", "6", "7", "caught up"])
        #expect(try new.seen == ["7", "caught up"])
        fixture.stop()
    }

    @Test func `what is no longer kept is a gap that names it`() async throws {
        let fixture = try fixture(feedBytes: 1)
        fixture.receive(1...20)
        try await hubHas(20, fixture)
        _ = try fixture.writer.perform { try $0.dropExpired(nowNanoseconds: .max, rows: 100) }
        fixture.receive(21...25)
        try await hubHas(25, fixture)
        let probe = try Probe(fixture, from: .behind(PositionToken(fixture.lineage.current, 4)))
        try await eventually { try probe.isCaughtUp }
        let kept = try #require(try probe.positions.first)
        #expect(kept > 5)
        #expect(try probe.seen == ["gap 5-\(kept - 1)"] + (kept...25).map { "\($0)" } + ["caught up"])
        fixture.stop()
    }

    @Test func `each watcher of a subject gets its events alone, and a filter changes in place`() async throws {
        let fixture = try fixture()
        let probes = try (0..<20).map { number in
            try Probe(fixture, from: .latest) { $0.subjects = ["calls/default:\(number)"] }
        }
        let all = try Probe(fixture, from: .latest) { $0.subjects = ["calls/*"] }
        receive(1...100, calls: 20, fixture)
        try await eventually { try all.positions.count == 100 && probes.allSatisfy { try $0.positions.count == 5 } }
        for (number, probe) in probes.enumerated() {
            #expect(try probe.positions.allSatisfy { Int($0 % 20) == number })
        }
        try probes[3].change { $0.subjects = ["calls/default:4", "calls/default:5"] }
        receive(101...120, calls: 20, fixture)
        try await eventually { try all.positions.count == 120 && probes[5].positions.count == 6 }
        #expect(try probes[3].positions.suffix(2) == [104, 105])
        fixture.stop()
    }

    @Test func `a watcher that takes nothing is closed in time, costs the others nothing and goes on where it was`()
        async throws
    {
        let fixture = try fixture()
        let slow = try Probe(fixture, from: .latest, takes: 3)
        let quick = try Probe(fixture, from: .latest)
        fixture.receive(1...10)
        try await eventually { try quick.positions.count == 10 }
        #expect(try slow.positions == [1, 2, 3])
        let patience = PushConfiguration().slowConsumer
        try slow.closeSlow(in: .nanoseconds(patience.nanoseconds / 2))
        #expect(try slow.ended == nil)
        let token = try slow.token
        try slow.closeSlow(in: .nanoseconds(patience.nanoseconds))
        #expect(try slow.ended == .tooSlow && quick.ended == nil)
        let again = try Probe(fixture, from: .behind(token))
        try await eventually { try again.isCaughtUp }
        #expect(try again.positions == Array(4...10))
        fixture.stop()
    }

    @Test func `what a full mailbox leaves out is read from the log, and nothing is missed`() async throws {
        let fixture = try fixture(feedBytes: 1)
        let probe = try Probe(fixture, from: .latest)
        let goesOn = TimedSemaphore()
        fixture.loop.execute { _ = goesOn.wait(milliseconds: 60_000) }
        for first in stride(from: 1, to: 60 as UInt64, by: 20) {
            fixture.receive(first...(first + 19))
            fixture.writer.flush()
        }
        goesOn.signal()
        try await eventually { try probe.positions.count >= 60 }
        #expect(try probe.positions == Array(1...60))
        fixture.stop()
    }

    @Test func `a watcher whose output takes something again goes on`() async throws {
        let fixture = try fixture()
        let probe = try Probe(fixture, from: .latest, takes: 3)
        fixture.receive(1...10)
        try await eventually { try probe.positions.count == 3 }
        try probe.take(4)
        try await eventually { try probe.positions.count == 7 }
        try probe.take(100)
        try await eventually { try probe.positions.count == 10 }
        #expect(try probe.positions == Array(1...10) && probe.ended == nil)
        fixture.stop()
    }

    @Test func `an output that takes something again while it is written to gets nothing twice`() async throws {
        let fixture = try fixture(feedBytes: 1)
        for first in stride(from: 1, to: 400 as UInt64, by: 20) { fixture.receive(first...(first + 19)) }
        try await hubHas(400, fixture)
        let probe = try Probe(fixture, from: .earliest, takes: 7, refills: 7)
        try await eventually { try probe.isCaughtUp }
        #expect(try probe.positions == Array(1...400))
        fixture.stop()
    }

    @Test func `more than a turn writes reaches everybody, in order and once`() async throws {
        let fixture = try fixture()
        let probes = try (0..<50).map { _ in try Probe(fixture, from: .latest) }
        for first in stride(from: 1, to: 300 as UInt64, by: 150) { fixture.receive(first...(first + 149)) }
        try await eventually { try probes.allSatisfy { try $0.positions.count >= 300 } }
        for probe in probes { #expect(try probe.positions == Array(1...300)) }
        fixture.stop()
    }

    @Test func `no more may watch than are allowed, and none once the router stops`() throws {
        var limits = PushConfiguration()
        limits.maxConnections = 2
        let fixture = try fixture(push: limits)
        let two = try (0..<2).map { _ in try Probe(fixture, from: .latest) }
        #expect(try two.allSatisfy { try $0.isWatching })
        #expect(try !Probe(fixture, from: .latest).isWatching)
        fixture.stop()
        #expect(two.allSatisfy { $0.output.ended == .stopping })
    }
}

/// One watcher and what it was given; everything is asked on the hub's loop.
private final class Probe: Sendable {
    final class Output: WatcherOutput, @unchecked Sendable {
        var seen: [String] = []
        var positions: [UInt64] = []
        var ended: WatchEnd?
        var watcher: Watcher?
        var takes: Int
        /// What it takes again as soon as it is flushed, as a connection does whose client reads.
        let refills: Int
        var resume: (Watcher) -> Void = { _ in }

        init(takes: Int, refills: Int) { (self.takes, self.refills) = (takes, refills) }

        var isWritable: Bool { takes > 0 }
        func write(_ event: WatchedEvent) {
            takes -= 1
            seen.append("\(event.position)")
            positions.append(event.position)
        }
        func writeGap(_ gap: WatchGap) {
            seen.append(gap.positions.map { "gap \($0.lowerBound)-\($0.upperBound)" } ?? "gap")
        }
        func writeCaughtUp() { seen.append("caught up") }
        func flush() {
            guard refills > 0, takes <= 0, let watcher else { return }
            takes = refills
            resume(watcher)
        }
        func close(_ reason: WatchEnd) { ended = reason }
    }

    let output: Output
    private let fixture: RouterFixture

    init(
        _ fixture: RouterFixture, from start: WatchStart, takes: Int = .max, refills: Int = 0,
        filter: (inout SubscriptionFilter) -> Void = { _ in }
    ) throws {
        self.fixture = fixture
        let output = Output(takes: takes, refills: refills)
        self.output = output
        var made = SubscriptionFilter()
        filter(&made)
        let (push, wanted) = (fixture.push, made)
        try fixture.loop.submit {
            output.resume = { push.value.resume($0) }
            push.value.add(wanted, from: start, output: output) { output.watcher = $0 }
        }.wait()
    }

    private func ask<Value: Sendable>(_ body: @escaping @Sendable (PushHub, Output) -> Value) throws -> Value {
        let (push, output) = (fixture.push, output)
        return try fixture.loop.submit { body(push.value, output) }.wait()
    }

    var seen: [String] { get throws { try ask { $1.seen } } }
    var positions: [UInt64] { get throws { try ask { $1.positions } } }
    var ended: WatchEnd? { get throws { try ask { $1.ended } } }
    var isCaughtUp: Bool { get throws { try seen.contains("caught up") } }
    var isWatching: Bool { get throws { try ask { $1.watcher != nil } } }

    /// Where it would go on.
    var token: PositionToken {
        get throws { try #require(try ask { hub, output in output.watcher.map { hub.token(of: $0) } }) }
    }

    func change(_ filter: (inout SubscriptionFilter) -> Void) throws {
        var made = SubscriptionFilter()
        filter(&made)
        let wanted = made
        try ask { hub, output in output.watcher.map { hub.change($0, to: wanted) } ?? () }
    }

    /// Its output takes so many more.
    func take(_ count: Int) throws {
        try ask { hub, output in
            output.takes += count
            if let watcher = output.watcher { hub.resume(watcher) }
        }
    }

    func closeSlow(in time: TimeAmount) throws {
        try ask { hub, _ in hub.closeSlow(now: .now() + time) }
    }
}
