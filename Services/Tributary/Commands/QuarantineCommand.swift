import ArgumentParser
import StageRuntime

/// `tributary quarantine`
struct QuarantineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "Lists, shows and replays the webhooks that were refused.",
        subcommands: [QuarantineList.self, QuarantineShow.self, QuarantineReplay.self],
        defaultSubcommand: QuarantineList.self)
}

/// Which refused webhooks are meant.
struct QuarantineFilter: ParsableArguments {
    @Option(help: ArgumentHelp("Only those of this source.", valueName: "name"))
    var source: String?

    @Option(help: ArgumentHelp("Only those refused with this code, such as signature_mismatch.", valueName: "code"))
    var code: String?

    @Option(help: ArgumentHelp("At most so many.", valueName: "n"))
    var limit = 100

    /// The router's answer.
    func ask(_ router: StageClient) throws(StageFailure) -> JSONValue {
        let parameters = [("source", source), ("code", code), ("limit", String(limit))]
        return try router.ask("GET", StageClient.target("/quarantine", parameters))
    }
}

/// `tributary quarantine list`
struct QuarantineList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the webhooks that were refused, and why.",
        discussion: """
            Examples:
              tributary quarantine list
              tributary quarantine list --source stream --code signature_mismatch --json
            """)

    @OptionGroup var filter: QuarantineFilter
    @OptionGroup var options: CommandOptions

    func run() {
        let router = StageClient.router(options.configuration())
        let answer = orExit { () throws(StageFailure) in try filter.ask(router) }
        if options.json { return print(answer.json) }
        let columns = ["id", "source", "code", "stage", "received", "replayed", "detail"]
        print(RecordList.text(answer, "quarantine", columns: columns, empty: "nothing in quarantine"))
    }
}

/// `tributary quarantine show`
struct QuarantineShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows a refused webhook with its head and body as they were received.",
        discussion: """
            Examples:
              tributary quarantine show 7
              tributary quarantine show 7 --json | jq -r .body_base64 | base64 -d
            """)

    @Argument(help: "The number of the entry, as listed.")
    var id: UInt64

    @OptionGroup var options: CommandOptions

    func run() {
        let router = StageClient.router(options.configuration())
        let entry = orExit { () throws(StageFailure) in try router.ask("GET", "/quarantine/\(id)") }
        print(options.json ? entry.json.text : QuarantineEntry(entry).text)
    }
}
