import StageMetrics
import Testing

@Suite struct MetricTextTests {
    let registry = MetricRegistry(stage: "verifier", instance: "verifier-0", version: "1.2.3")

    @Test func `every sample carries stage and instance`() {
        registry.counter("tributary_records_total", help: "Records.", labels: [("direction", "in")]).add(3)
        let text = registry.render()
        #expect(
            text.contains(
                "tributary_records_total{stage=\"verifier\",stage_instance=\"verifier-0\",direction=\"in\"} 3\n"))
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            #expect(line.contains("{stage=\"verifier\",stage_instance=\"verifier-0\""), "\(line)")
        }
    }

    @Test func `HELP and TYPE come once per family and before its samples`() {
        for code in ["a", "b", "c"] {
            registry.counter("tributary_rejections_total", help: "Rejected.", labels: [("code", code)]).add()
        }
        let lines = registry.render().split(separator: "\n")
        let family = lines.filter { $0.contains("tributary_rejections_total") }
        #expect(family.count == 5)
        #expect(family[0] == "# HELP tributary_rejections_total Rejected.")
        #expect(family[1] == "# TYPE tributary_rejections_total counter")
    }

    @Test func `label values and help are escaped`() {
        registry.gauge("tributary_odd", help: "A \\ and\na line.", labels: [("v", "a\"b\\c\nd")]).set(1)
        let text = registry.render()
        #expect(text.contains("# HELP tributary_odd A \\\\ and\\na line.\n"))
        #expect(text.contains("v=\"a\\\"b\\\\c\\nd\"} 1\n"))
    }

    @Test func `asking twice for the same name and labels gives the same instrument`() {
        let first = registry.counter("tributary_twice_total", help: "x", labels: [("a", "1")])
        let second = registry.counter("tributary_twice_total", help: "x", labels: [("a", "1")])
        let other = registry.counter("tributary_twice_total", help: "x", labels: [("a", "2")])
        #expect(first === second)
        #expect(first !== other)
    }

    @Test func `a label that is forgotten takes its series along and no others`() {
        for name in ["ab", "b", "b,x"] {
            registry.counter("tributary_kept_total", help: "Kept.", labels: [("subscription", name), ("x", "1")]).add()
            registry.gauge("tributary_kept", help: "Kept.", labels: [("subscription", name)]).set(1)
        }
        registry.forget(label: ("subscription", "b"))
        let text = registry.render()
        #expect(!text.contains("subscription=\"b\""))
        #expect(
            text.contains("tributary_kept_total{stage=\"verifier\",stage_instance=\"verifier-0\",subscription=\"ab\""))
        #expect(text.contains("subscription=\"b,x\"} 1"))
        let anew = registry.counter("tributary_kept_total", help: "", labels: [("subscription", "b"), ("x", "1")])
        #expect(anew.value == 0)
    }

    @Test func `a gauge that is read shows its latest reading`() {
        registry.gauge("tributary_backlog_records", help: "x") { 1 }
        registry.gauge("tributary_backlog_records", help: "x") { 42.5 }
        let samples = registry.render().split(separator: "\n").filter { $0.hasPrefix("tributary_backlog_records{") }
        #expect(samples.count == 1)
        #expect(samples.first?.hasSuffix(" 42.5") ?? false)
    }

    @Test func `numbers are written as Prometheus reads them`() {
        let cases: [(Double, String)] = [
            (0, "0"), (-3, "-3"), (2.5, "2.5"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
            (1_763_725_720, "1763725720"), (1e300, "1e+300"),
        ]
        for (value, expected) in cases {
            registry.gauge("tributary_number", help: "x").set(value)
            #expect(registry.render().contains("\"} \(expected)\n"))
        }
    }

    @Test func `a histogram has cumulative buckets that end in the count`() throws {
        let histogram = registry.histogram("tributary_delivery_seconds", help: "x")
        histogram.record(nanoseconds: 1_000)
        histogram.record(nanoseconds: 60_000_000, count: 3)
        histogram.record(nanoseconds: 3_600_000_000_000)
        let lines = registry.render().split(separator: "\n").filter { $0.hasPrefix("tributary_delivery_seconds") }
        let buckets = lines.filter { $0.contains("_bucket") }
        let counts = try buckets.map { try #require(Int($0.split(separator: " ").last ?? "")) }
        #expect(counts == counts.sorted())
        #expect(counts.first == 1)
        #expect(counts.last == 5)
        #expect(buckets.first?.contains("le=\"5e-05\"") ?? false)
        #expect(buckets.dropLast().last?.contains("le=\"60\"") ?? false)
        #expect(buckets.last?.contains("le=\"+Inf\"") ?? false)
        #expect(lines.contains { $0.hasSuffix("} 5") && $0.contains("_count") })
        #expect(lines.contains { $0.contains("_sum") && $0.hasSuffix(" 3600.180001") })
    }

    @Test func `build and process metrics are always there`() throws {
        let text = registry.render()
        #expect(
            text.contains(
                "tributary_build_info{stage=\"verifier\",stage_instance=\"verifier-0\",version=\"1.2.3\"} 1\n"))
        for name in [
            "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
            "process_start_time_seconds",
        ] {
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("\(name){") })
            let value = try #require(Double(line.split(separator: " ").last ?? ""))
            #expect(value > 0 || name == "process_cpu_seconds_total", "\(line)")
        }
        let start = try #require(text.split(separator: "\n").first { $0.hasPrefix("process_start_time_seconds{") })
        let seconds = try #require(Double(start.split(separator: " ").last ?? ""))
        #expect(seconds < Double(wallNanoseconds()) / 1e9 + 5)
    }

    @Test func `every line is valid exposition text`() {
        registry.counter("tributary_a_total", help: "x", labels: [("v", "blank and } and ,")]).add()
        _ = registry.histogram("tributary_b_seconds", help: "x")
        let sample = #/[a-zA-Z_:][a-zA-Z0-9_:]*\{([a-zA-Z_]+="(\\.|[^"\\])*",?)+\} [-+0-9.eInfNa]+/#
        let comment = #/# (HELP [a-zA-Z0-9_:]+ .+|TYPE [a-zA-Z0-9_:]+ (counter|gauge|histogram))/#
        let text = registry.render()
        #expect(text.hasSuffix("\n"))
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            #expect(line.wholeMatch(of: sample) != nil || line.wholeMatch(of: comment) != nil, "\(line)")
        }
    }
}
