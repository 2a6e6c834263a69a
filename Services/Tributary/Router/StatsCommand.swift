import ArgumentParser
import Executable
import JSON

struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Counts what the router holds and owes.",
        discussion: """
            Examples:
              tributary stats
              tributary stats --json | jq .log
            """)

    @OptionGroup var options: RouterOptions

    func run() {
        options.show("GET", "/v1/stats", as: StatsText.text)
    }
}

/// The router's counts for people to read.
enum StatsText {
    static func text(_ stats: JSONValue) -> String {
        let (log, quarantine) = (stats["log"], stats["quarantine"])
        let next = log["next_position"].integer ?? 1
        let events =
            log["events"].integer == 0
            ? (next == 1 ? "no events yet" : "no events kept, the next gets position \(next)")
            : "\(log["events"].text) events, positions \(log["first_position"].text) to \(next - 1)"
        let lines = [
            "\(stats["instance"].text) \(stats["version"].text), up \(WhileText.text(seconds: stats["uptime_seconds"]))",
            "log         \(events), \(log["bytes"].text) bytes",
            "quarantine  \(quarantine["webhooks"].text) webhooks, \(quarantine["replayed"].text) of them replayed, "
                + "\(quarantine["bytes"].text) bytes",
        ]
        let columns = ["name", "backlog", "dead"]
        let subscriptions = RecordList.text(
            stats, "subscriptions", columns: columns, empty: "no subscriptions")
        return lines.map(printable).joined(separator: "\n") + "\n\n" + subscriptions
    }
}
