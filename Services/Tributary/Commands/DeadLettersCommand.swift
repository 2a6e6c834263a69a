import ArgumentParser
import StageRuntime

/// `tributary dead-letters`
struct DeadLettersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "Lists or replays the deliveries that were given up.",
        subcommands: [DeadLettersList.self, DeadLettersReplay.self], defaultSubcommand: DeadLettersList.self)
}

/// `tributary dead-letters list`
struct DeadLettersList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the deliveries that were given up.",
        discussion: """
            Examples:
              tributary dead-letters list
              tributary dead-letters list --subscription my-app --json
            """)

    @Option(help: ArgumentHelp("Only those of this subscription.", valueName: "name"))
    var subscription: String?

    @Option(help: ArgumentHelp("At most so many.", valueName: "n"))
    var limit = 100

    @OptionGroup var options: CommandOptions

    func run() {
        let router = StageClient.router(options.configuration())
        let parameters = [("subscription", subscription), ("limit", String(limit))]
        let answer = orExit { () throws(StageFailure) in
            try router.ask("GET", StageClient.target("/dead-letters", parameters))
        }
        if options.json { return print(answer.json) }
        let columns = ["subscription", "position", "last", "reason", "attempts", "at"]
        print(RecordList.text(answer, "dead_letters", columns: columns, empty: "no dead letters"))
    }
}

/// `tributary dead-letters replay`
struct DeadLettersReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Delivers again what was given up.",
        discussion: """
            Examples:
              tributary dead-letters replay --subscription my-app --all
              tributary dead-letters replay --subscription my-app 42 43
            """)

    @Option(help: ArgumentHelp("The subscription to deliver to.", valueName: "name"))
    var subscription: String

    @Argument(help: "Positions of the events.")
    var positions: [UInt64] = []

    @Flag(help: "Every dead letter of the subscription.")
    var all = false

    @OptionGroup var options: CommandOptions

    func validate() throws {
        guard all != !positions.isEmpty else { throw ValidationError("name positions, or --all") }
    }

    func run() {
        let configuration = options.configuration()
        let chosen: (String, JSONText) =
            all ? ("all", .bool(true)) : ("positions", .array(positions.map { .number($0) }))
        let body = JSONText.object([("subscription", .string(subscription)), chosen])
        let answer = orExit { () throws(StageFailure) in
            try StageClient.router(configuration).ask("POST", "/dead-letters/replay", body)
        }
        print(options.json ? answer.json.text : "queued \(answer["queued"].text) for delivery")
    }
}
