import JSON
import StageMetrics
import Testing

@testable import Tributary

@Suite struct TopTableTests {
    private func row(_ instance: String) throws -> JSONValue {
        let stage = instance.split(separator: "-").dropLast().joined(separator: "-")
        let text = """
            {"stage":"\(stage)","instance":"\(instance)","pid":4194304,"state":"crash-loop","uptime_seconds":9e6,\
            "restarts":1000,"last_end":null,"why":null}
            """
        return try #require(JSONValue.read(Array(text.utf8)))
    }

    private func full(_ row: JSONValue) -> InstanceMetrics {
        var before = InstanceReading(atNanoseconds: 0)
        var now = InstanceReading(atNanoseconds: 1_000_000_000)
        (before.cpuSeconds, before.taken, before.passedOn) = (0, 0, 0)
        (now.cpuSeconds, now.residentBytes, now.taken, now.passedOn) = (123, 123_456e6, 123_456, 123_456)
        (now.backlogRecords, now.oldestSeconds) = (123_456, 123_456)
        return InstanceMetrics(row, from: before, to: now)
    }

    @Test func `a screen has one line a row, fits and always has its header`() throws {
        let table = TopTable(instances: try (0..<40).map { full(try row("ingress-gateway-\($0)")) })
        for (width, height) in [(80, 24), (40, 10), (200, 60), (80, 3), (80, 2), (20, 1)] {
            let lines = table.screen(width: width, height: height, first: 0)
            #expect(lines.count <= height)
            #expect(lines.allSatisfy { $0.count <= width })
            #expect(lines.contains { $0.hasPrefix("INSTANCE") })
        }
        let lines = table.screen(width: 80, height: 24, first: 5)
        #expect(lines[2].hasPrefix("ingress-gateway-5 "))
        #expect(lines.last == "rows 6 to 26 of 40; j and k scroll, q ends")
        for title in ["STATE", "CPU%", "IN/S", "BACKLOG"] { #expect(lines[1].contains(title)) }
        #expect(table.screen(width: 200, height: 24, first: 0)[1].contains("PID"))
    }

    @Test func `rates are taken between two readings`() throws {
        let row = try row("verifier-0")
        var before = InstanceReading(atNanoseconds: 10_000_000_000)
        (before.cpuSeconds, before.taken, before.passedOn) = (1, 100, 90)
        var now = InstanceReading(atNanoseconds: 12_000_000_000)
        (now.cpuSeconds, now.taken, now.passedOn, now.backlogRecords) = (1.5, 300, 80, 3)
        let metrics = InstanceMetrics(row, from: before, to: now)
        #expect(metrics.cpuPercent == 25)
        #expect(metrics.inPerSecond == 100)
        #expect(metrics.outPerSecond == nil, "a counter that fell belongs to a new process")
        #expect(InstanceMetrics(row, from: nil, to: now).inPerSecond == nil)
        let json = try #require(JSONValue.read(metrics.json.bytes))
        #expect(json["instance"].text == "verifier-0" && json["records_in"].integer == 300)
        #expect(json["cpu_percent"].text == "25.0" && json["out_per_second"] == .null)
        #expect(json["p99_of"].text == "tributary_since_receipt_seconds")
        #expect(InstanceReading.latencyName("ingress-connector") == "tributary_journal_fsync_seconds")
    }

    @Test func `each instance shows what part of its stage's work it does`() throws {
        func instance(_ name: String, _ taken: Double) throws -> InstanceMetrics {
            var (before, now) = (InstanceReading(atNanoseconds: 0), InstanceReading(atNanoseconds: 1_000_000_000))
            (before.taken, now.taken) = (0, taken)
            return InstanceMetrics(try row(name), from: before, to: now)
        }
        let table = TopTable(instances: [
            try instance("normaliser-0", 30), try instance("normaliser-1", 10), try instance("verifier-0", 40),
            try instance("fanout-router-0", 0),
        ])
        #expect(table.instances.map(\.sharePercent) == [75, 25, 100, nil])
        #expect(table.lines(width: 200)[0].contains("SHARE%"))
        #expect(JSONValue.read(table.instances[1].json.bytes)?["share_percent"].text == "25.0")
    }

    @Test func `quantiles come from the buckets of the interval`() throws {
        let registry = MetricRegistry(stage: "fanout-router", instance: "fanout-router-0", version: "1")
        let histogram = registry.histogram("tributary_receipt_to_delivery_seconds", help: "x")
        histogram.record(nanoseconds: 10_000_000, count: 90)
        histogram.record(nanoseconds: 95_000_000, count: 10)
        var reading = InstanceReading(atNanoseconds: 0)
        reading.take(registry.read(), latencyName: InstanceReading.latencyName("fanout-router"))
        let after = reading.latency
        let p99 = try #require(LatencyBucket.quantile(0.99, from: [], to: after))
        #expect(abs(p99 - (0.075 + 0.025 * 9 / 10)) < 1e-9)
        #expect(LatencyBucket.quantile(0.99, from: after, to: after) == nil)
        let endless = [LatencyBucket(bound: 0.1, count: 0), LatencyBucket(bound: .infinity, count: 5)]
        #expect(LatencyBucket.quantile(0.99, from: [], to: endless) == 0.1)
    }

    @Test func `durations and numbers fit into a column`() {
        let durations = [nil, 0, 0.00042, 0.0012, 3.4, 64, 720, 18000, 300_000].map(CellText.duration)
        #expect(durations == ["-", "0µs", "420µs", "1.2ms", "3.4s", "64s", "12m", "5.0h", "3d"])
        let numbers = [nil, 0, 12.6, 999, 1000, 1_234_567, -1000].map(CellText.number)
        #expect(numbers == ["-", "0", "13", "999", "1 000", "1 234 567", "-1 000"])
    }
}
