import ArgumentParser
import ControlClient
import Executable
import JSON
import PipelineConfiguration
import StageMetrics

struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics", abstract: "Prints the metrics of every instance as one Prometheus text.",
        discussion: """
            Examples:
              tributary metrics
              tributary metrics | grep tributary_lane_backlog_events
              tributary metrics --json | jq '.metrics[].name'

            With them come tributary_supervisor_up and tributary_supervisor_restarts_total
            of every instance. What does not answer is named on standard error.

            Exit codes: 3 nothing runs, 69 the supervisor hangs, 77 not permitted.
            """)

    /// Thousands of subscriptions are many metrics.
    private static let timeoutSeconds = 10

    @OptionGroup var options: CommandOptions

    func run() {
        let runDir = orExit { () throws(StageFailure) in try options.running().runDir }
        let rows = orExit { () throws(StageFailure) in try PipelineStatus(runDir: runDir).running() }
        var merged = MergedMetrics()
        for row in rows where row["pid"] != .null {
            let instance = row["instance"].text
            if let metrics = StageMetricsClient.read(runDir, instance, timeoutSeconds: Self.timeoutSeconds) {
                merged.add(metrics, stage: row["stage"].text, instance: instance)
            } else {
                merged.addSilent(instance)
            }
        }
        merged.add(Self.supervisorMetrics(rows), stage: "", instance: "")
        StandardOutput.write(options.json ? MetricDocument.text(merged.metrics).text + "\n" : merged.text)
        for line in merged.leftOut { StandardError.write("tributary: left out: \(printable(line))\n") }
    }

    /// What only the supervisor knows of the instances.
    static func supervisorMetrics(_ rows: [JSONValue]) -> [MetricReading] {
        [
            metric("up", "gauge", "Whether the instance is ready.", rows) { row in
                ["ready", "draining"].contains(row["state"].text) ? "1" : "0"
            },
            metric("restarts_total", "counter", "Starts after a death that nobody asked for.", rows) { row in
                row["restarts"].text
            },
        ]
    }

    private static func metric(
        _ ending: String, _ kind: String, _ help: String, _ rows: [JSONValue], _ value: (JSONValue) -> String
    ) -> MetricReading {
        let name = "tributary_supervisor_\(ending)"
        return MetricReading(
            name: name, kind: kind, help: help,
            samples: rows.map { row in
                let labels = [("stage", row["stage"].text), ("stage_instance", row["instance"].text)]
                return MetricReading.Sample(name: name, labels: labels, value: value(row))
            })
    }
}
