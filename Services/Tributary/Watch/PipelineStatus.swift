import ControlClient
import Executable
import Glibc
import JSON
import StageMetrics

/// What runs of a pipeline: what its supervisor says, and what answers on an admin socket beside that.
struct PipelineStatus {
    private static let stageSeconds = 1

    private let runDir: String
    /// The supervisor's own answer; nil where none runs.
    let supervised: JSONValue?
    /// One object per instance, from the ingress to the router.
    private(set) var rows: [JSONValue]

    /// Fails with 69 where the supervisor hangs, with 77 where this user may not ask. `placement`: with what it knows of this
    /// host's instances that do not run, and of those of others.
    init(runDir: String, _ placement: Placement? = nil) throws(StageFailure) {
        self.runDir = runDir
        supervised = try SupervisorClient(runDir: runDir).ask("status")
        rows = supervised?["instances"].elements ?? []
        let names = Set(rows.map { $0["instance"].text })
        for instance in try socketNames() where !names.contains(instance) {
            if let row = try unsupervised(instance) { rows.append(row) }
        }
        rows += placement?.rows(beside: Set(rows.map { $0["instance"].text })) ?? []
        rows.sort { Self.place($0["instance"].text) < Self.place($1["instance"].text) }
    }

    static let nothingRuns = StageFailure(
        .notRunning, "nothing runs; 'scripts/supervisor up -d' starts the pipeline.")

    static let nothingRunsHere = StageFailure(
        .notRunning, "nothing of this host runs; start its instances, each by its unit or by hand.")

    /// Whether anything of this host does, or a supervisor sees to it.
    var runs: Bool { rows.contains { supervised != nil || $0["pid"] != .null } }

    /// The instances; fails with 3 where nothing runs.
    func running() throws(StageFailure) -> [JSONValue] {
        guard runs else {
            throw rows.isEmpty ? Self.nothingRuns : Self.nothingRunsHere
        }
        return rows
    }

    /// Instances that have an admin socket in the run directory, whoever serves it.
    private func socketNames() throws(StageFailure) -> [String] {
        do throws(StageFailure) {
            try FileAccess.check(runDir)
        } catch {
            if error.status == .unavailable { return [] }
            throw error
        }
        return Stage.instances(in: runDir)
    }

    private func unsupervised(_ instance: String) throws(StageFailure) -> JSONValue? {
        let path = "\(runDir)/\(instance).admin"
        guard let stage = Stage(ofInstance: instance),
            let pid = try UnixSocket(path, timeoutSeconds: Self.stageSeconds)?.listenerPID
        else { return nil }
        let why = Self.whyNotReady(path)
        let started = ProcessMetrics.read(String(pid)).startSeconds
        let uptime = Double(wallNanoseconds()) / 1e9 - started
        var members: [(String, JSONText)] = [
            ("stage", .string(stage.rawValue)), ("instance", .string(instance)), ("pid", .number(Int(pid))),
            ("state", .string(why == nil ? "ready" : "not-ready")),
            ("uptime_seconds", started > 0 ? .number((1000 * uptime).rounded() / 1000) : .null),
            ("restarts", .number(0)),
            ("last_end", .null), ("why", .optional(why, JSONText.string)),
        ]
        if startedPID(instance) != pid { members.append(("by_hand", .bool(true))) }
        return JSONValue.read(JSONText.object(members).bytes)
    }

    /// The process that a supervisor has started as this instance, by its pid file.
    private func startedPID(_ instance: String) -> Int32? {
        guard let file = fopen("\(runDir)/\(instance).pid", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 100)
        return fgets(&line, 100, file) == nil ? nil : Int32(strtol(line, nil, 10))
    }

    /// What `/readyz` says is missing; nil where it is ready.
    private static func whyNotReady(_ path: String) -> String? {
        guard let reply = try? ControlClient(socketPath: path, timeoutSeconds: stageSeconds).request("GET", "/readyz")
        else { return "its admin socket does not answer" }
        if reply.status == 200 { return nil }
        guard case .object(let checks) = JSONValue.read(reply.body)?["checks"] else {
            return "/readyz answers \(reply.status)"
        }
        let missing = checks.filter { $0.value["ok"] != .bool(true) }
        return missing.map { $0.value["detail"].text.isEmpty ? $0.name : $0.value["detail"].text }.joined(
            separator: "; ")
    }

    /// Where an instance stands in a list: by its stage, then by its number.
    private static func place(_ instance: String) -> (Int, Int) {
        let stage = Stage(ofInstance: instance).flatMap { Stage.allCases.firstIndex(of: $0) } ?? Stage.allCases.count
        return (stage, Int(instance.split(separator: "-").last ?? "") ?? 0)
    }
}
