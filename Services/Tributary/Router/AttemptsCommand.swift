import ArgumentParser
import Executable
import JSON

struct AttemptsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attempts",
        abstract: "Lists the requests to subscribers with what came of them, the newest first.",
        discussion: """
            Examples:
              tributary attempts --subscription my-app
              tributary attempts --event 42 --answers
                  with the first KiB of each answer
              tributary attempts --outcome timeout --since 1h --all --json

            Kept are the attempts that failed and those after a failure; what went well at
            once is remembered for a while and shown with --subscription or --event.
            """)

    @Option(help: ArgumentHelp("Only attempts for this subscription.", valueName: "name"))
    var subscription: String?

    @Option(help: ArgumentHelp("Only attempts for the event with this position or id.", valueName: "event"))
    var event: String?

    @Option(help: ArgumentHelp("Only attempts with this outcome, such as timeout.", valueName: "outcome"))
    var outcome: String?

    @Option(
        help: ArgumentHelp(
            "Only attempts that ended in this phase: resolve, connect, send, answer or answered.", valueName: "phase"))
    var phase: String?

    @Flag(help: "Show what the subscribers answered, too.")
    var answers = false

    @OptionGroup var range: TimeRange
    @OptionGroup var page: PageOptions
    @OptionGroup var options: RouterOptions

    private var parameters: [(String, String?)] {
        [("subscription", subscription), ("event", event), ("outcome", outcome), ("phase", phase)] + range.parameters
    }

    func run() {
        let columns = [
            "started", "subscription", "position", "number", "phase", "outcome", "status", "duration_seconds",
            "replay", "detail",
        ]
        options.list(
            "/v1/attempts", parameters, "attempts", page, columns: columns + (answers ? ["answer"] : []),
            empty: "no attempts")
    }
}
