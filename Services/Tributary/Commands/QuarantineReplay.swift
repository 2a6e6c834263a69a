import ArgumentParser
import StageRuntime

/// `tributary quarantine replay`: takes each entry from the router, posts it to an ingress as if it had just come in
/// (but with its old time of receipt, by which it is judged), and marks it.
struct QuarantineReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Sends refused webhooks through the pipeline again.",
        discussion: """
            Examples:
              tributary quarantine replay 7 8
              tributary quarantine replay --code signature_mismatch     after a secret was put right

            What is refused again comes back into the quarantine.
            """)

    @Argument(help: "Numbers of entries, as listed.")
    var ids: [UInt64] = []

    @OptionGroup var filter: QuarantineFilter
    @OptionGroup var options: CommandOptions

    func validate() throws {
        guard !ids.isEmpty || filter.source != nil || filter.code != nil else {
            throw ValidationError("name entries, or a --source or --code to replay")
        }
    }

    func run() {
        let configuration = options.configuration()
        let router = StageClient.router(configuration)
        let ingress = StageClient.ingress(configuration)
        let chosen = orExit { () throws(StageFailure) in ids.isEmpty ? try listed(router) : ids.map(String.init) }
        var replayed: [JSONText] = []
        var failures = 0
        for id in chosen {
            do {
                replayed.append(try replay(id, router, ingress))
            } catch {
                failures += 1
                StandardError.write("tributary: entry \(id): \(error.sentence)\n")
                if error.status == .unavailable { error.status.exit() }
            }
        }
        if options.json {
            print(JSONText.object([("replayed", .array(replayed)), ("failed", .number(failures))]))
        } else {
            print("replayed \(replayed.count) of \(chosen.count)")
        }
        if failures > 0 { ExitStatus.failure.exit() }
    }

    /// Those that the filter names and that were not replayed before.
    private func listed(_ router: StageClient) throws(StageFailure) -> [String] {
        let entries = try filter.ask(router)["quarantine"].elements
        return entries.filter { $0["replayed"] == .null }.map { $0["id"].text }
    }

    func replay(
        _ id: String, _ router: StageClient, _ ingress: StageClient
    ) throws(StageFailure) -> JSONText {
        let entry = QuarantineEntry(try router.ask("GET", "/quarantine/\(id)"))
        let answer = try ingress.ask("POST", "/replay", entry.replay)
        _ = try router.ask("POST", "/quarantine/\(id)/replayed")
        return .object([("id", .string(id)), ("webhook", answer["id"].json)])
    }
}
