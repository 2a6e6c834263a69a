import AdminServer
import Glibc
import JSON
import StageMetrics
import Testing

@testable import Tributary

/// `tributary metrics` and `tributary top` against admin endpoints without and with a supervisor.
@Suite struct WatchCommandTests {
    private let folder: CommandFolder
    private let file: String
    private var run: String { "\(folder.path)/run" }

    init() throws {
        folder = try CommandFolder()
        file = try folder.file("t.yaml", "run_dir: run\nsources: []\n")
        try #require(mkdir("\(folder.path)/run", 0o700) == 0)
    }

    private func endpoint(
        _ stage: String, _ instance: String, checks: [HealthCheck] = [], fill: (MetricRegistry) -> Void = { _ in }
    ) throws -> AdminEndpoint {
        let registry = MetricRegistry(stage: stage, instance: instance, version: "1")
        fill(registry)
        return try AdminEndpoint(
            socketPath: "\(run)/\(instance).admin", metricsListen: nil, registry: registry, readiness: { checks })
    }

    private func tributary(_ arguments: String...) throws -> CommandRun {
        try CommandRun(arguments + ["--config", file])
    }

    @Test func `the metrics of all instances are one text with every metric once`() throws {
        let verifiers = try (0...1).map { number in
            try endpoint("verifier", "verifier-\(number)") { registry in
                registry.counter("tributary_odd_total", help: "Odd.", labels: [("v", "a\"b")]).add(number + 1)
                _ = registry.histogram("tributary_b_seconds", help: "x")
            }
        }
        defer { for each in verifiers { each.close() } }
        let run = try tributary("metrics")
        #expect(run.status == 0 && run.errors.isEmpty)
        let lines = run.output.split(separator: "\n")
        #expect(lines.count { $0 == "# TYPE tributary_odd_total counter" } == 1)
        #expect(lines.count { $0 == "# HELP tributary_odd_total Odd." } == 1)
        #expect(
            lines.contains(#"tributary_odd_total{stage="verifier",stage_instance="verifier-1",v="a\"b"} 2"#))
        #expect(lines.contains(#"tributary_supervisor_up{stage="verifier",stage_instance="verifier-0"} 1"#))
        let samples = lines.filter { !$0.hasPrefix("#") }.map { $0[..<($0.lastIndex(of: " ") ?? $0.endIndex)] }
        #expect(Set(samples).count == samples.count)
        let json = try #require(JSONValue.read(Array(try tributary("metrics", "--json").output.utf8)))
        let odd = MetricDocument.read(json).first { $0.name == "tributary_odd_total" }
        #expect(odd?.samples.map(\.value) == ["1", "2"])
    }

    @Test func `what disagrees about its kind is left out and said, and labels that are missing are added`() {
        func metric(_ kind: String) -> MetricReading {
            let sample = MetricReading.Sample(name: "x", labels: [("stage", "own")], value: "1")
            return MetricReading(name: "x", kind: kind, help: "", samples: [sample])
        }
        var merged = MergedMetrics()
        merged.add([metric("gauge")], stage: "a", instance: "a-0")
        merged.add([metric("counter")], stage: "a", instance: "a-1")
        #expect(merged.leftOut == ["a-1: x is a counter, elsewhere a gauge"])
        #expect(merged.text == "# HELP x \n# TYPE x gauge\nx{stage=\"own\",stage_instance=\"a-0\"} 1\n")
    }

    @Test func `without a supervisor the admin sockets say what runs, and why it is not ready`() throws {
        let waiting = HealthCheck(name: "router", ok: false, detail: "no router is linked")
        let endpoints = [
            try endpoint("fanout-router", "fanout-router-0"), try endpoint("verifier", "verifier-10"),
            try endpoint("verifier", "verifier-9", checks: [waiting]),
        ]
        defer { for each in endpoints { each.close() } }
        let rows = try PipelineStatus(runDir: run).rows
        #expect(rows.map { $0["instance"].text } == ["verifier-9", "verifier-10", "fanout-router-0"])
        #expect(rows.map { $0["state"].text } == ["not-ready", "ready", "ready"])
        #expect(rows[0]["why"].text == "no router is linked" && rows[1]["why"] == .null)
        #expect(rows.allSatisfy { $0["pid"].integer == Int64(getpid()) })
        let once = try tributary("top", "--once", "--interval", "0.01")
        #expect(once.status == 0)
        #expect(once.output.hasPrefix("INSTANCE "))
        #expect(once.output.contains("\nverifier-9   ") && !once.output.contains("\u{1B}"))
        let json = try tributary("top", "--once", "--json", "--interval", "0.01")
        let shown = try #require(JSONValue.read(Array(json.output.utf8)))["instances"].elements
        #expect(shown.count == 3 && shown.allSatisfy { ($0["resident_bytes"].integer ?? 0) > 0 })
    }

    @Test func `a supervisor's rows come first, and what it has not started is shown beside them`() throws {
        let verifier = try endpoint("verifier", "verifier-3")
        defer { verifier.close() }
        let row = #"{"stage":"normaliser","instance":"normaliser-0","pid":null,"state":"backing-off","restarts":2}"#
        let supervisor = try AnswerOnce(
            "\(run)/supervisor.sock", answer: #"{"said":"x"}"# + "\n" + #"{"result":{"instances":[\#(row)]}}"# + "\n")
        let rows = try PipelineStatus(runDir: run).rows
        supervisor.join()
        #expect(supervisor.asked == #"{"command":"status"}"# + "\n")
        #expect(rows.map { $0["instance"].text } == ["verifier-3", "normaliser-0"])
        #expect(rows[0]["by_hand"] == .bool(true) && rows[1]["state"].text == "backing-off")
        let up = MetricsCommand.supervisorMetrics(rows).map { $0.samples.map(\.value) }
        #expect(up == [["1", "0"], ["0", "2"]])
    }

    @Test func `status says what runs without a supervisor, what is not ready and which sources let everybody in`()
        throws
    {
        let waiting = HealthCheck(name: "router", ok: false, detail: "no router is linked")
        let verifier = try endpoint("verifier", "verifier-0", checks: [waiting]) { registry in
            for (source, scheme) in [("stream", "stream"), ("open", "none")] {
                let labels = [("source", source), ("scheme", scheme)]
                registry.gauge("tributary_source_verification", help: "x", labels: labels).set(1)
            }
        }
        defer { verifier.close() }
        let run = try tributary("status")
        #expect(run.status == 3)
        let lines = run.output.split(separator: "\n")
        #expect(lines[0].split(separator: " ") == ["INSTANCE", "PID", "STATE", "UPTIME", "RESTARTS", "LAST", "END"])
        #expect(lines[1].hasPrefix("verifier-0  ") && lines[1].contains(" not-ready "))
        #expect(lines[2] == "verifier-0 is not-ready: no router is linked")
        #expect(lines[3] == "not verified, so anyone who knows their URL can send events: open")
        #expect(
            run.errors == "tributary: started by hand, so no supervisor restarts or stops it: verifier-0\n"
                + "tributary: no supervisor runs.\n")
        _ = try folder.file("run/verifier-0.pid", "\(getpid()) 1 boot\n")
        let errors = try tributary("status").errors
        #expect(
            errors
                == "tributary: no supervisor runs; stages do that one had started, and 'scripts/supervisor up' takes them "
                + "over.\n")
        let json = try #require(JSONValue.read(Array(try tributary("status", "--json").output.utf8)))
        #expect(json["supervisor"] == .null && json["run_dir"].text == self.run)
        #expect(json["unverified_sources"] == .array([.string("open")]))
    }

    @Test func `logs are printed by their ends, each line with its instance, and one alone without`() throws {
        let verifier = try endpoint("verifier", "verifier-0")
        defer { verifier.close() }
        _ = try folder.file("run/verifier-0.log", "one\ntwo\nthree\n")
        _ = try folder.file("run/supervisor.log", "started\n")
        let all = try tributary("logs", "--lines", "2")
        #expect(all.status == 0)
        #expect(all.output == "supervisor | started\nverifier-0 | two\nverifier-0 | three\n")
        #expect(try tributary("logs", "verifier-0", "-n", "1").output == "three\n")
        let nobody = try tributary("logs", "router-0")
        #expect(nobody.status == 64 && nobody.errors.contains("there are logs of supervisor, verifier-0."))
        #expect(try tributary("logs", "--lines=-1").status == 64)
        let logs = try StageLogs(folder: self.run, only: nil)
        _ = logs.ends(lines: 0)
        _ = try folder.file("run/verifier-0.log", "one\ntwo\nthree\nfour\nfi")
        _ = try folder.file("run/supervisor.log", "new\n")
        #expect(logs.news() == "supervisor | new\nverifier-0 | four\n")
        #expect(logs.news().isEmpty)
    }

    @Test func `where nothing runs they say so and end with 3`() throws {
        for arguments in [["top", "--once"], ["top", "--json"], ["metrics"], ["logs"], ["logs", "-f"]] {
            let run = try CommandRun(arguments + ["--config", file])
            #expect(run.status == 3 && run.output.isEmpty)
            #expect(run.errors == "tributary: nothing runs; 'scripts/supervisor up -d' starts the pipeline.\n")
        }
        #expect(try tributary("top", "--interval", "0").status == 64)
    }
}
