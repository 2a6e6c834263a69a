import ArgumentParser
import Executable
import JSON

struct QuarantinePurge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge", abstract: "Deletes refused webhooks for good.",
        discussion: """
            Examples:
              tributary quarantine purge --code signature_mismatch --until 1d
                  says how many that would be
              tributary quarantine purge --code signature_mismatch --until 1d --yes
              tributary quarantine purge --replayed --yes
              tributary quarantine purge 7 8 --yes
            """)

    @Argument(help: "Numbers of entries, as listed.")
    var ids: [UInt64] = []

    @OptionGroup var filter: QuarantineFilter

    @Flag(help: "Only what was replayed.")
    var replayed = false

    @Flag(help: "Everything in quarantine.")
    var all = false

    @Flag(help: "Really delete; what is deleted cannot be had back.")
    var yes = false

    @OptionGroup var options: RouterOptions

    func validate() throws {
        let chooses = !filter.isEmpty || all || replayed
        guard !ids.isEmpty != chooses else {
            throw ValidationError("name either entries or what to choose them by, such as --source, --code or --all")
        }
    }

    func run() {
        let router = options.router()
        options.hint(source: filter.source)
        let deleted = orExit { () throws(StageFailure) in
            ids.isEmpty ? try purgeChosen(router) : try purgeNamed(router)
        }
        print(options.json ? JSONText.object(["deleted": .number(deleted)]).text : "deleted \(deleted)")
    }

    private func purgeNamed(_ router: StageClient) throws(StageFailure) -> Int {
        // What is not there is said before anything is asked for or deleted.
        for id in ids { _ = try router.ask("GET", "/v1/quarantine/\(id)") }
        try confirm("\(ids.count) webhooks")
        for id in ids { _ = try router.ask("DELETE", "/v1/quarantine/\(id)") }
        return ids.count
    }

    /// Only what is there now: what comes in meanwhile was not meant.
    func purgeChosen(_ router: StageClient) throws(StageFailure) -> Int {
        let standing = try QuarantineStanding(router, filter.parameters + [("replayed", replayed ? "true" : nil)])
        if standing.count == 0 { return 0 }
        try confirm(
            "\(standing.count) webhooks ("
                + standing.totals.map { "\($0["source"].text) \($0["code"].text): \($0["webhooks"].text)" }.joined(
                    separator: ", ")
                + ")")
        var deleted = 0
        var cursor: String?
        while true {
            let answer = try router.ask(
                "DELETE",
                StageClient.target("/v1/quarantine", standing.parameters + [("cursor", cursor), ("all", "true")]))
            deleted += Int(answer["deleted"].integer ?? 0)
            let next = answer["next_cursor"].text
            guard !next.isEmpty, next != cursor else { return deleted }
            cursor = next
        }
    }

    private func confirm(_ what: String) throws(StageFailure) {
        if yes { return }
        throw StageFailure(.usage, "this would delete \(printable(what)) for good; say so with --yes")
    }
}
