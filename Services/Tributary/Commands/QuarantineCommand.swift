import ArgumentParser
import Executable
import JSON
import Wire

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

    @OptionGroup var page: PageOptions
    @OptionGroup var options: RouterOptions

    func run() {
        options.hint(source: filter.source)
        let columns = ["id", "source", "code", "stage", "received", "replayed", "tries", "detail"]
        options.list(
            "/v1/quarantine", filter.parameters + [("order", "desc")], "quarantine", page, columns: columns,
            empty: "nothing in quarantine")
    }
}

struct QuarantineTotals: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "totals", abstract: "Counts the webhooks that were refused, by source and code.",
        discussion: """
            Examples:
              tributary quarantine totals
              tributary quarantine totals --since 1d --json
            """)

    @OptionGroup var filter: QuarantineFilter
    @OptionGroup var options: RouterOptions

    func run() {
        options.hint(source: filter.source)
        let columns = ["source", "code", "webhooks", "replayed", "bytes", "first_received", "last_received"]
        options.show("GET", StageClient.target("/v1/quarantine/totals", filter.parameters)) { totals in
            RecordList.text(totals, "totals", columns: columns, empty: "nothing in quarantine")
        }
    }
}

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

    @OptionGroup var options: RouterOptions

    func run() {
        let router = options.router()
        let whole = orExit { () throws(StageFailure) in try router.ask("GET", "/v1/quarantine/\(id)") }
        let hidden = reveal ? nil : SecretFields(named: options.tokenFields)
        let entry = QuarantineEntry(whole, hidden: hidden)
        print(options.json ? entry.json.text : entry.text)
    }
}
