import EventLog
import LogSamples
import PipelineConfiguration
import Providers
import StageMetrics
import Testing
import Wire

@testable import EventDelivery

/// What the gateway says about itself: once, to whoever asked for it, and not again after a restart.
@Suite struct ConditionTests {
    private static let second: Int64 = 1_000_000_000

    private func disk(_ used: Double, _ subject: String = "/d") -> ConditionReading {
        ConditionReading(.diskLow, subject, used, raisedFrom: 0.95, clearedBelow: 0.9, "\(used)")
    }

    private func states(_ changes: [ConditionChange]) -> [String] { changes.map { "\($0.state) \($0.subject)" } }

    // MARK: what is said

    @Test func `every condition is a type of the vocabulary`() {
        let types = CanonicalVocabulary.family(named: "gateway")?.types.map { MappedType.prefix + $0.name } ?? []
        #expect(Set(types) == Set(GatewayCondition.allCases.map(\.type)))
    }

    @Test func `a condition is said when it has lasted, once, and again when it is over for as long`() {
        var tracker = ConditionTracker(now: 0)
        let s = Self.second
        #expect(tracker.take([disk(0.96)], now: 0).isEmpty)
        #expect(tracker.take([disk(0.94)], now: 5 * s).isEmpty, "a value that wavers begins anew")
        #expect(tracker.take([disk(0.96)], now: 6 * s).isEmpty)
        #expect(states(tracker.take([disk(0.97)], now: 16 * s)) == ["raised /d"])
        for time in 17...400 { #expect(tracker.take([disk(0.92)], now: Int64(time) * s).isEmpty) }
        #expect(tracker.take([disk(0.89)], now: 401 * s).isEmpty)
        #expect(states(tracker.take([disk(0.89)], now: 411 * s)) == ["cleared /d"])
        #expect(tracker.take([disk(0.89)], now: 412 * s).isEmpty)
    }

    @Test func `what was said before a restart is not said again, and its end is`() {
        let key = ConditionTracker.Key(condition: .diskLow, subject: "/d")
        var tracker = ConditionTracker(raised: [key], now: 0)
        #expect(tracker.take([disk(0.99)], now: 0).isEmpty && tracker.take([disk(0.99)], now: 60 * Self.second).isEmpty)
        #expect(tracker.take([disk(0.1)], now: 61 * Self.second).isEmpty)
        #expect(states(tracker.take([disk(0.1)], now: 71 * Self.second)) == ["cleared /d"])
    }

    @Test func `a thousand at once are said a few at a time, each once`() {
        var tracker = ConditionTracker(now: 0)
        let all = (0..<1000).map {
            ConditionReading(.subscriptionDisabled, "subscriptions/\($0)", 1, raisedFrom: 1, clearedBelow: 1, "")
        }
        var said = tracker.take(all, now: 0)
        #expect(said.count == Int(ConditionTracker.burst))
        said += tracker.take(all, now: 100 * Self.second)
        #expect(said.count == Int(ConditionTracker.burst) + 10)
        #expect(Set(said.map(\.subject)).count == said.count)
    }

    @Test func `a clock that jumps is said each time, and what is gone is forgotten`() {
        var tracker = ConditionTracker(now: 0)
        func jump(_ by: Double) -> ConditionReading {
            ConditionReading(.clockJumped, "instances/i", by, raisedFrom: 1, clearedBelow: 1, "")
        }
        #expect(tracker.take([jump(5)], now: 0).count == 1 && tracker.take([jump(0)], now: 1).isEmpty)
        #expect(tracker.take([jump(9)], now: 2).count == 1)
        _ = tracker.take([disk(0.99)], now: 0)
        #expect(tracker.take([disk(0.99)], now: 10 * Self.second).count == 1)
        _ = tracker.take([], now: 10 * Self.second + ConditionTracker.forgottenAfterNanoseconds)
        #expect(tracker.take([disk(0.1)], now: 700 * Self.second).isEmpty)
    }

    // MARK: what is seen

    @Test func `metrics tell every condition, of this router and of other instances`() throws {
        let registry = MetricRegistry(stage: "fanout-router", instance: "fanout-router-0", version: "1")
        let metrics = LaneMetrics(registry, subscription: "app", outcomes: [])
        registry.gauge(IntakeMetrics.quarantineFullness, help: "", labels: [("source", "stream")]).set(0.9)
        registry.gauge("tributary_certificate_expires_seconds", help: "").set(86_400 * 3)
        registry.gauge(
            ConditionReadings.destinationCertificate, help: "", labels: [("subscription", "app")]
        ).set(86_400 * 30)
        func set(_ name: String, _ word: String, _ value: Double) {
            registry.gauge(name, help: "", labels: [("subscription", "app"), ("state", word)]).set(value)
        }
        set("tributary_subscription_state", "active", 1)
        metrics.oldest.set(700)
        let jump = registry.gauge("tributary_clock_jump_seconds", help: "")
        var readings = ConditionReadings()
        func found() -> [String] {
            readings.evaluate(registry.read(ConditionReadings.ownNames), instance: "fanout-router-0", nowNanoseconds: 0)
                .filter { $0.level == .raised }.map { "\($0.condition.rawValue) \($0.subject)" }.sorted()
        }
        let always = [
            "backlog_old subscriptions/app", "certificate_ending instances/fanout-router-0",
            "quarantine_filling sources/stream", "subscription_failing subscriptions/app",
        ]
        #expect(found() == always)
        jump.set(-3600)
        #expect(found() == (always + ["clock_jumped instances/fanout-router-0"]).sorted())
        #expect(found() == always, "a jump is seen once")
        set("tributary_subscription_state", "active", 0)
        set("tributary_subscription_state", "disabled", 1)
        set("tributary_subscription_breaker", "closed", 1)
        #expect(
            found() == [
                "certificate_ending instances/fanout-router-0", "quarantine_filling sources/stream",
                "subscription_disabled subscriptions/app",
            ])
        let ingress = MetricReading(
            name: "tributary_oldest_unsettled_seconds", kind: "gauge", help: "",
            samples: [.init(name: "tributary_oldest_unsettled_seconds", labels: [], value: "90")])
        let old = readings.evaluate([ingress], instance: "ingress-gateway-0", nowNanoseconds: 0)
        #expect(old.map(\.subject) == ["instances/ingress-gateway-0"] && old.first?.level == .raised)
    }

    @Test func `each disk is looked at once`() throws {
        let folder = try TemporaryFolder()
        let found = ConditionReadings.ofDisks(folder.path)
        #expect(found.map(\.subject) == [folder.path])
    }

    // MARK: who gets it

    private func event(_ state: Bool = true, at time: Int64 = 1) -> OwnEvent {
        ConditionChange(condition: .diskLow, subject: "/d", isRaised: state, value: 0.97, text: "the disk is full")
            .event(at: time)
    }

    @Test func `only filters that name the gateway's types take its events, among others in a row`() throws {
        let folder = try TemporaryFolder()
        let settings = EventLogSettings(path: folder.file)
        let log = try SegmentEventLog(settings: settings)
        var transaction = LogTransaction(settings: settings, takenAtNanoseconds: 1)
        #expect(log.admit(event(), to: &transaction) == .taken && log.admit(event(), to: &transaction) == .knownID)
        _ = try Sample.admit(Sample.envelope(sequence: 1, ids: ["a"]), log, &transaction)
        #expect(log.admit(event(false), to: &transaction) == .taken)
        let row = RenderedBatch(try #require(try log.commit(transaction).first))
        func taken(_ matcher: EventMatcher) -> [UInt64] {
            (1...3).filter { row.firstMatch(from: $0, matcher) == $0 }
        }
        #expect(taken(EventMatcher()) == [2])
        #expect(taken(EventMatcher(types: ["*"])) == [2])
        #expect(taken(EventMatcher(types: ["*.disk_low"])) == [])
        #expect(taken(EventMatcher(subjects: ["*"])) == [2])
        #expect(taken(EventMatcher(types: ["gateway.*"])) == [1, 3])
        #expect(taken(EventMatcher(types: ["dev.tributary.gateway.disk_low", "*"])) == [1, 2, 3])
        #expect(taken(EventMatcher(types: ["gateway.clock_jumped"])) == [])
        let mismatch = row.batch.withRecord(at: 1) { EventMatcher().mismatch($0) } ?? nil
        #expect(mismatch?.part == .types && mismatch?.found == "gateway.disk_low")
        let json = String(decoding: RenderedBatch.body(at: 1, of: row.batch), as: UTF8.self)
        #expect(json.contains(#""data":{"state":"raised","text":"the disk is full","value":0.97}"#), "\(json)")
    }

    @Test func `events of the gateway enter the log in order and are found there after a restart, each once`()
        async throws
    {
        let folder = try TemporaryFolder()
        let settings = EventLogSettings(path: folder.file)
        do {
            let fixture = try RouterFixture(settings, lanes: [])
            fixture.writer.append([event(at: 1), event(false, at: 2)])
            fixture.writer.append([event(at: 1), event(at: 3)])
            try await eventually { try fixture.reading.read { try $0.search(EventQuery()).matches.count } == 3 }
            fixture.stop()
        }
        let log = try SegmentEventLog(settings: settings)
        var query = EventQuery()
        query.type = "gateway.*"
        let found = try log.makeReader().search(query).matches
        #expect(found.map(\.position) == [1, 2, 3])
        var transaction = LogTransaction(settings: settings, takenAtNanoseconds: 1)
        #expect(log.admit(event(at: 1), to: &transaction) == .knownID)
        log.close()
    }
}
