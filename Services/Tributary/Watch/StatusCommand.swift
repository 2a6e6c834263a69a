import ArgumentParser
import ControlClient
import Executable
import JSON
import PipelineConfiguration
import StageMetrics

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows every instance, and why one is not ready.",
        discussion: """
            Examples:
              tributary status
              tributary status --json | jq '.instances[] | select(.state != "ready")'

            With a topology, all and none are those of this host; of the others it says the
            address.

            Exit codes: 0 all are ready, 1 one is not, 3 no supervisor runs (with a
            topology: none of this host's), 69 the supervisor hangs, 77 not permitted.
            """)

    @OptionGroup var options: CommandOptions

    func run() throws {
        let configuration = orExit { () throws(StageFailure) in try options.running() }
        let status = orExit { () throws(StageFailure) in
            try PipelineStatus(runDir: configuration.runDir, Placement(configuration))
        }
        let open = Self.unverifiedSources(status.rows, configuration.runDir)
        if options.json {
            StandardOutput.write(Self.json(status, configuration, open).indented() + "\n")
        } else if !status.rows.isEmpty {
            StandardOutput.write(Self.text(status.rows, open, status.supervised?["auto"] ?? .null) + "\n")
        }
        if configuration.topology != nil { return Self.end(status) }
        let byHand = status.rows.filter { $0["by_hand"] == .bool(true) }.map { $0["instance"].text }
        if !byHand.isEmpty {
            let names = byHand.joined(separator: ", ")
            StandardError.write("tributary: started by hand, so no supervisor restarts or stops it: \(names)\n")
        }
        guard status.supervised != nil else {
            let rest =
                status.rows.isEmpty
                ? " and no stage either."
                : byHand.count == status.rows.count
                    ? "." : "; stages do that one had started, and 'scripts/supervisor up' takes them over."
            StandardError.write("tributary: no supervisor runs\(rest)\n")
            ExitStatus.notRunning.exit()
        }
        Self.end(status)
    }

    /// With 3 where nothing runs, with 1 where an instance of this host is not ready.
    private static func end(_ status: PipelineStatus) {
        _ = orExit { () throws(StageFailure) in try status.running() }
        let areReady = status.rows.allSatisfy { ["ready", "draining", "elsewhere"].contains($0["state"].text) }
        if !areReady { ExitStatus.failure.exit() }
    }

    /// `auto`: the least and the most instances of each stage whose number follows the backlog's age.
    static func text(_ rows: [JSONValue], _ unverifiedSources: [String], _ auto: JSONValue) -> String {
        var table = Table(["INSTANCE", "PID", "STATE", "UPTIME", "RESTARTS", "LAST END"])
        for row in rows {
            let uptime = CellText.duration(Double(row["uptime_seconds"].text))
            let pid = row["pid"] == .null ? "-" : row["pid"].text
            table.add([
                row["instance"].text, pid, Placement.state(row), uptime, row["restarts"].text, row["last_end"].text,
            ])
        }
        var lines = [table.text]
        for row in rows where row["why"] != .null {
            lines.append(printable("\(row["instance"].text) is \(row["state"].text): \(row["why"].text)"))
        }
        for row in rows where row["binary"] != .null {
            lines.append(printable("\(row["instance"].text) runs by \(row["binary"].text)"))
        }
        if case .object(let stages) = auto {
            for stage in stages {
                let range = stage.value.elements.map(\.text).joined(separator: " to ")
                lines.append(printable("\(stage.name): \(range) instances, by the age of the backlog"))
            }
        }
        if !unverifiedSources.isEmpty {
            let names = printable(unverifiedSources.joined(separator: ", "))
            lines.append("not verified, so anyone who knows their URL can send events: \(names)")
        }
        return lines.joined(separator: "\n")
    }

    private static func json(
        _ status: PipelineStatus, _ configuration: TributaryConfiguration, _ unverifiedSources: [String]
    ) -> JSONValue {
        var members = [
            JSONMember(name: "supervisor", value: .null),
            JSONMember(name: "configuration", value: .string(configuration.file)),
            JSONMember(name: "run_dir", value: .string(configuration.runDir)),
            JSONMember(name: "listen", value: .object([])),
        ]
        if case .object(let said) = status.supervised { members = said.filter { $0.name != "instances" } }
        members += [
            JSONMember(name: "instances", value: .array(status.rows)),
            JSONMember(name: "unverified_sources", value: .array(unverifiedSources.map(JSONValue.string))),
        ]
        return .object(members)
    }

    /// The sources that let everybody in, as a running verifier says.
    private static func unverifiedSources(_ rows: [JSONValue], _ runDir: String) -> [String] {
        let name = "tributary_source_verification"
        for row in rows where row["stage"].text == "verifier" && row["pid"] != .null {
            let metrics = StageMetricsClient.read(runDir, row["instance"].text, names: [name], timeoutSeconds: 2)
            guard let samples = metrics?.flatMap(\.samples) else { continue }
            return samples.filter { $0.label("scheme") == "none" }.compactMap { $0.label("source") }.sorted()
        }
        return []
    }
}
