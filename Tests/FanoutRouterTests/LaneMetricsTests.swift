import Events
import JSON
import LogSamples
import NIOCore
import PipelineConfiguration
import Primitives
import StageMetrics
import StageProcess
import Testing
import Wire

@testable import EventDelivery
@testable import EventLog

/// What the metrics tell of subscriptions.
@Suite(.serialized) struct LaneMetricsTests {
    private static let second: Int64 = 1_000_000_000

    /// The questions of an operator in PromQL; the page for operators has the same.
    static let queries = [
        // How much comes in.
        "sum by (provider) (rate(tributary_events_total[5m]))", "rate(tributary_duplicates_total[5m])",
        // What is refused, and why.
        "sum by (source, code) (increase(tributary_rejections_total[1h]))",
        "sum by (source) (tributary_quarantine_webhooks)",
        // How far behind, and in what state, is each subscription.
        #"tributary_subscription_state{state!="active"} == 1"#,
        #"tributary_subscription_breaker{state!="closed"} == 1"#,
        "tributary_lane_backlog_events", "tributary_subscription_oldest_event_seconds",
        "tributary_subscription_retrying_deliveries", "tributary_subscription_in_flight_requests",
        "tributary_subscription_dead_letters",
        // How slow is each.
        "histogram_quantile(0.99, sum by (le, subscription) (rate(tributary_delivery_seconds_bucket[5m])))",
        "histogram_quantile(0.99, sum by (le, subscription) (rate(tributary_receipt_to_delivery_seconds_bucket[5m])))",
        "sum by (subscription, outcome) (rate(tributary_attempts_total[5m]))",
    ]

    /// The value of the sample with these labels, in this order behind those of the stage.
    private func value(_ registry: MetricRegistry, _ name: String, _ labels: String) -> Double? {
        registry.render().split(separator: "\n").first { $0.hasPrefix(name + "{") && $0.contains(",\(labels)}") }
            .flatMap { Double($0.split(separator: " ").last ?? "") }
    }

    @Test func `every metric that an operator asks for is there, with the labels of the questions`() async throws {
        let failing = try Subscriber { _, _ in .status(500) }
        let fixture = try OperationsFixture([.init(name: "app", url: failing.url)])
        fixture.receive(1...2)
        let registry = fixture.environment.registry
        // What was given up is known a moment later.
        try await eventually { value(registry, "tributary_subscription_dead_letters", "subscription=\"app\"") == 2 }
        fixture.receive(3...3) { sequence in
            var writer = ByteWriter()
            writer.raw(Sample.envelope(journal: RouterFixture.journal, sequence: sequence, ids: []))
            Rejection(.bodyNotJSON, stage: .normaliser).write(to: &writer)
            return writer.bytes
        }
        try await fixture.waitForLog(3)
        let text = registry.render()
        for query in Self.queries {
            for name in query.matches(of: #/tributary_[a-z_]+/#).map({ String($0.output) }) {
                #expect(text.contains("\n\(name){"), "\(name)")
            }
        }
        #expect(value(registry, "tributary_subscription_state", "subscription=\"app\",state=\"active\"") == 1)
        #expect(!text.contains("{instance=") && !text.contains(",instance="), "that is the scraper's own word")
        failing.stop()
    }

    @Test func `a pause, a retry and the age of the oldest event are seen, whatever the wall clock does`() async throws
    {
        let folder = try TemporaryFolder()
        let log = EventLogSettings(path: folder.file)
        let subscriber = try Subscriber { number, _ in number == 1 ? .status(503) : .silence }
        let settings = LaneSettings(
            name: "app", place: subscriber.url,
            policy: RetryPolicy(RetryConfiguration(schedule: [.zero, .seconds(3600)])), concurrency: 1,
            timeoutNanoseconds: patience.nanoseconds)
        var fixture = try RouterFixture(log, lanes: [settings])
        fixture.receive(1...3)
        _ = try await subscriber.wait(for: 2)
        try await eventually { try fixture.withLane("app") { $0.cursor.deliveries.waitingCount } == 1 }
        _ = try fixture.withLane("app") { $0.pause() }
        #expect(try age(fixture, after: 0) < 3600)
        #expect((3600..<7200).contains(try age(fixture, after: 3600)))
        let label = "subscription=\"app\""
        #expect(value(fixture.registry, "tributary_subscription_retrying_deliveries", label) == 1)
        #expect(value(fixture.registry, "tributary_subscription_in_flight_requests", label) == 1)
        for (word, expected) in [("active", 0.0), ("paused", 1), ("disabled", 0)] {
            #expect(value(fixture.registry, "tributary_subscription_state", "\(label),state=\"\(word)\"") == expected)
        }
        #expect(value(fixture.registry, "tributary_subscription_breaker", "\(label),state=\"closed\"") == 1)
        try await eventually { try EventLogReader(path: log.path).lane("app").retrying.count == 1 }
        try fixture.abandon()

        // The next process counts on from what the log says.
        fixture = try RouterFixture(log, lanes: [settings])
        try await eventually { try fixture.withLane("app") { $0.oldestEvent.earlier?.position } == 1 }
        #expect((3600..<7200).contains(try age(fixture, after: 3600)))
        fixture.stop()
    }

    /// What the gauge says so many seconds later.
    private func age(_ fixture: RouterFixture, after seconds: Int64) throws -> Double {
        try fixture.loop.submit { [hub = fixture.hub] in
            hub.value.report(now: monotonicNanoseconds() + seconds * Self.second)
            return hub.value.lane("app")?.metrics.oldest.value ?? -1
        }.wait()
    }

    @Test func `a replay says nothing of how late events are`() async throws {
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try OperationsFixture([.init(name: "app", url: subscriber.url)])
        fixture.receive(1...4)
        _ = try await subscriber.wait(for: 4)
        let body = "{\"subscription\":\"app\",\"from\":\"log\",\"all\":true}"
        let id = try fixture.ask("POST", "/v1/replays", body).json["id"].text
        try await eventually {
            let replay = try fixture.ask("GET", "/v1/replays/\(id)").json
            return replay["state"].text == "finished" && replay["waiting"].integer == 0
        }
        let label = "subscription=\"app\""
        let registry = fixture.environment.registry
        #expect(value(registry, "tributary_receipt_to_delivery_seconds_count", label) == 4)
        #expect(value(registry, "tributary_delivery_seconds_count", label) == 8)
        subscriber.stop()
    }

    @Test func `ages are right to a part of themselves, with few marks for months`() {
        var clock = ArrivalClock(next: 10, now: 0)
        // An event every ten minutes for forty days.
        let (step, count) = (600 * Self.second, 5760)
        for number in 1...count { clock.note(next: UInt64(10 + number), now: Int64(number) * step) }
        #expect(clock.count < 400)
        let now = Int64(count) * step
        for position in [10, 11, 500, 3000, 5000, 5700, 5768, 5769] as [UInt64] {
            let age = now - Int64(position - 9) * step
            let said = clock.age(of: position, now: now) ?? -1
            #expect(said <= age && said >= age - age / 32, "\(position): \(said) for \(age)")
        }
        #expect(clock.age(of: 9, now: now) == nil)
        #expect(clock.age(of: UInt64(count) + 10, now: now) == 0, "it came in since the clock was looked at")
    }
}
