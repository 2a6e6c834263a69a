import ControlClient
import Executable
import Glibc
import JSON
import PipelineConfiguration
import StageMetrics
import Wire

/// What runs of the pipeline, asked instance by instance.
struct StageFindings {
    private static let timeoutSeconds = 2
    private static let build = "tributary_build_info"
    private static let jump = "tributary_clock_jump_seconds"

    /// One object per instance of this host, as `tributary status` has them.
    let rows: [JSONValue]
    let runs: Bool
    private(set) var findings: [Finding] = []
    /// How far the clock was set since each started.
    private(set) var clockJumps: [(instance: String, seconds: Double)] = []
    /// The subscriptions of the control API that deliver over HTTP, by name.
    private(set) var apiDestinations: [(name: String, url: String)] = []
    private let runDir: String

    init(_ configuration: TributaryConfiguration) {
        runDir = configuration.runDir
        do throws(StageFailure) {
            let status = try PipelineStatus(runDir: runDir, Placement(configuration))
            (rows, runs) = (status.rows.filter { !Placement.isElsewhere($0) }, status.runs)
        } catch {
            (rows, runs) = ([], false)
            findings = [Finding(.error, "", error.sentence, code: .stage)]
            return
        }
        guard runs else {
            findings = [Finding(.fine, "", "nothing runs, so what only stages can tell is left out", code: .stage)]
            return
        }
        for row in rows { look(at: row) }
        // What a topology places here and does not run has a row.
        let needed = Stage.allCases.filter {
            configuration.topology == nil && ($0 != .ingressConnector || !configuration.connectors.isEmpty)
        }
        for stage in needed where !rows.contains(where: { $0["stage"].text == stage.rawValue }) {
            findings.append(Finding(.error, "", "no \(stage.rawValue) runs", code: .stage))
        }
        readAPIDestinations(configuration)
    }

    /// The stages and their supervisor.
    var pids: Set<Int32> {
        var pids = Set(rows.compactMap { $0["pid"].integer.map { Int32(truncatingIfNeeded: $0) } })
        if let file = fopen("\(runDir)/supervisor.pid", "r") {
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 100)
            if fgets(&line, 100, file) != nil { pids.insert(Int32(strtol(line, nil, 10))) }
        }
        return pids
    }

    private mutating func look(at row: JSONValue) {
        let (instance, state) = (row["instance"].text, row["state"].text)
        guard row["pid"] != .null else {
            let why = row["why"] == .null ? row["last_end"].text : row["why"].text
            return findings.append(Finding(.error, "", "\(instance) is \(state): \(why)", code: .stage))
        }
        let client = ControlClient(socketPath: "\(runDir)/\(instance).admin", timeoutSeconds: Self.timeoutSeconds)
        guard let health = try? client.request("GET", "/healthz") else {
            return findings.append(
                Finding(.error, "", "\(instance) (process \(row["pid"].text)) does not answer", code: .hang))
        }
        guard health.status == 200 else {
            return findings.append(Finding(.error, "", "\(instance): \(health.text.trimmed)", code: .hang))
        }
        let isReady = ["ready", "draining"].contains(state)
        findings.append(
            Finding(
                isReady ? .fine : .error, "",
                isReady ? "\(instance) is \(state)" : "\(instance) is \(state): \(row["why"].text)", code: .stage))
        let samples = StageMetricsClient.read(
            runDir, instance, names: [Self.build, Self.jump], timeoutSeconds: Self.timeoutSeconds)?.flatMap(\.samples)
        for sample in samples ?? [] {
            if sample.name == Self.jump, let seconds = Double(sample.value) { clockJumps.append((instance, seconds)) }
            guard let version = sample.label("version"), version != TributaryVersion.current else { continue }
            findings.append(
                Finding(
                    .warning, "", "\(instance) runs version \(version), this is \(TributaryVersion.current)",
                    code: .version))
        }
    }

    private mutating func readAPIDestinations(_ configuration: TributaryConfiguration) {
        let routers = rows.filter { $0["stage"].text == Stage.fanoutRouter.rawValue && $0["pid"] != .null }
        for router in routers {
            let number = StageRole.number(of: router["instance"].text)
            let router = StageClient.router(configuration, number: number)
            guard let listed = try? router.ask("GET", "/v1/subscriptions") else { continue }
            apiDestinations += listed["subscriptions"].elements
                .filter { $0["origin"].text == "api" && $0["url"] != .null }
                .map { ($0["name"].text, $0["url"].text) }
        }
    }
}
