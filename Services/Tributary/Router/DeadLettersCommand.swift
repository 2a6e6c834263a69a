import ArgumentParser
import Executable
import JSON

struct DeadLettersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "Lists, counts or replays the deliveries that were given up.",
        subcommands: [DeadLettersList.self, DeadLettersTotals.self, DeadLettersReplay.self],
        defaultSubcommand: DeadLettersList.self)
}

/// Which dead letters are meant.
struct DeadLetterFilter: ParsableArguments {
    @Option(help: ArgumentHelp("Only those of this subscription.", valueName: "name"))
    var subscription: String?

    @Option(help: ArgumentHelp("Only those given up for this cause, such as \"status 503\".", valueName: "cause"))
    var cause: String?

    @Option(
        help: ArgumentHelp(
            "ours: kept back by retention or egress rules; theirs: the subscriber's doing.", valueName: "fault"))
    var fault: Fault?

    @OptionGroup var range: TimeRange

    /// Whose doing it is that an event was given up.
    enum Fault: String, ExpressibleByArgument, CaseIterable {
        case ours
        case theirs
    }

    var parameters: [(String, String?)] {
        [("subscription", subscription), ("cause", cause), ("fault", fault?.rawValue)] + range.parameters
    }
}

struct DeadLettersList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the deliveries that were given up.",
        discussion: """
            Examples:
              tributary dead-letters list
              tributary dead-letters list --subscription my-app --cause "status 503" \\
                --since 1d
              tributary dead-letters list --fault ours --all --json
            """)

    @OptionGroup var filter: DeadLetterFilter
    @OptionGroup var page: PageOptions
    @OptionGroup var options: RouterOptions

    func run() {
        let columns = ["subscription", "position", "last", "cause", "fault", "attempts", "died", "reason"]
        options.list(
            "/v1/dead-letters", filter.parameters, "dead_letters", page, columns: columns, empty: "no dead letters")
    }
}

struct DeadLettersTotals: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "totals", abstract: "Counts the dead letters by subscription and cause.",
        discussion: """
            Examples:
              tributary dead-letters totals
              tributary dead-letters totals --since 1d --json
            """)

    @OptionGroup var filter: DeadLetterFilter
    @OptionGroup var options: RouterOptions

    func run() {
        let columns = ["subscription", "cause", "fault", "count", "oldest", "newest"]
        options.show("GET", StageClient.target("/v1/dead-letters/totals", filter.parameters)) { totals in
            RecordList.text(totals, "totals", columns: columns, empty: "no dead letters")
        }
    }
}

struct DeadLettersReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Delivers again what was given up.",
        discussion: """
            Examples:
              tributary dead-letters replay --subscription my-app --all --dry-run
                  how many would that be?
              tributary dead-letters replay --subscription my-app --all --wait
              tributary dead-letters replay --subscription my-app 42 43
              tributary dead-letters replay --subscription my-app --cause "status 503" \\
                --since 2h --rate 50

            The same as: tributary replay create --dead-letters --to my-app …
            """)

    @Option(help: ArgumentHelp("The subscription to deliver to.", valueName: "name"))
    var subscription: String

    @Argument(help: "Positions of the events.")
    var positions: [UInt64] = []

    @Option(name: .customLong("position"), help: ArgumentHelp("The same. May be repeated.", valueName: "position"))
    var named: [UInt64] = []

    @Option(
        help: ArgumentHelp(
            "Only what was given up for this cause, such as \"status 503\". May be repeated.", valueName: "cause"))
    var cause: [String] = []

    @Flag(help: "Every dead letter of the subscription.")
    var all = false

    @OptionGroup var range: TimeRange
    @OptionGroup var runOptions: ReplayRunOptions
    @OptionGroup var options: RouterOptions

    func validate() throws {
        let isChosen = !(positions + named).isEmpty || !cause.isEmpty || !range.isEmpty
        guard all != isChosen else {
            throw ValidationError("name positions, or choose by --cause, --since or --until, or take --all")
        }
    }

    func run() {
        ReplayOrder(
            from: .deadLetters, subscription: subscription, all: all,
            [
                ("positions", .array((positions + named).map { .number($0) })),
                ("causes", .array(cause.map(JSONText.string))),
            ] + range.choices
        ).carryOut(runOptions, options)
    }
}
