import ArgumentParser
import StageRuntime
import Wire

/// `tributary quarantine`
struct QuarantineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "Lists, shows, replays and deletes the webhooks that were refused.",
        subcommands: [
            QuarantineList.self, QuarantineTotals.self, QuarantineShow.self, QuarantineReplay.self,
            QuarantinePurge.self,
        ],
        defaultSubcommand: QuarantineList.self)
}

/// `tributary quarantine list`
struct QuarantineList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the webhooks that were refused, and why; the newest first.",
        discussion: """
            Examples:
              tributary quarantine list
              tributary quarantine list --source stream --code signature_mismatch --json
              tributary quarantine list --since 2h --stage normaliser
            """)

    @OptionGroup var filter: QuarantineFilter

    @Option(help: ArgumentHelp("At most so many.", valueName: "n"))
    var limit = 100

    @Option(help: ArgumentHelp("Only those before this entry, to go on.", valueName: "id"))
    var after: Int64?

    @OptionGroup var options: CommandOptions

    func validate() throws {
        guard (1...100_000).contains(limit) else { throw ValidationError("--limit must be 1 to 100000") }
    }

    func run() {
        let router = StageClient.router(options.configuration())
        let (entries, next) = orExit { () throws(StageFailure) in try list(router) }
        if options.json {
            return print(JSONText.object([("quarantine", .array(entries.map(\.json))), ("next", next.json)]))
        }
        let columns = ["id", "source", "code", "stage", "received", "replayed", "detail"]
        print(RecordList.text(entries, columns: columns, empty: "nothing in quarantine"))
        if case .number(let id) = next { print("more: --after \(id)") }
    }

    /// Goes on until the limit or the end: the router answers in pages that may be empty.
    func list(_ router: StageClient) throws(StageFailure) -> (entries: [JSONValue], next: JSONValue) {
        var entries: [JSONValue] = []
        var last = after.map(String.init)
        while true {
            let more = [("order", "desc"), ("after", last), ("limit", String(min(1000, limit - entries.count)))]
            let page = try router.ask("GET", StageClient.target("/quarantine", filter.parameters + more))
            entries += page["quarantine"].elements
            guard case .number(let next) = page["next"], entries.count < limit, next != last else {
                return (entries, page["next"])
            }
            last = next
        }
    }
}

/// `tributary quarantine totals`
struct QuarantineTotals: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "totals", abstract: "Counts the webhooks that were refused, by source and code.",
        discussion: """
            Examples:
              tributary quarantine totals
              tributary quarantine totals --since 1d --json
            """)

    @OptionGroup var filter: QuarantineFilter
    @OptionGroup var options: CommandOptions

    func run() {
        let router = StageClient.router(options.configuration())
        let answer = orExit { () throws(StageFailure) in
            try router.ask("GET", StageClient.target("/quarantine/totals", filter.parameters))
        }
        if options.json { return print(answer.json) }
        let columns = ["source", "code", "webhooks", "replayed", "bytes", "first_received", "last_received"]
        print(RecordList.text(answer, "totals", columns: columns, empty: "nothing in quarantine"))
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

            Tokens and credentials of the head are hidden; --reveal shows them.
            """)

    @Argument(help: "The number of the entry, as listed.")
    var id: UInt64

    @Flag(help: "Show the secrets in the head, too.")
    var reveal = false

    @OptionGroup var options: CommandOptions

    func run() {
        let configuration = options.configuration()
        let router = StageClient.router(configuration)
        let whole = orExit { () throws(StageFailure) in try router.ask("GET", "/quarantine/\(id)") }
        let hidden = reveal ? nil : SecretFields(named: configuration.tokenFields)
        let entry = QuarantineEntry(whole, hidden: hidden)
        print(options.json ? entry.json.text : entry.text)
    }
}
