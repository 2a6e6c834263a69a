import ArgumentParser
import Executable
import JSON
import PipelineConfiguration
import StageMetrics

/// `tributary quarantine replay`: takes entries from the router, posts them to an ingress as if they had just come in
/// (but with their old time of receipt, by which they are judged), and marks them.
struct QuarantineReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Sends refused webhooks through the pipeline again.",
        discussion: """
            Examples:
              tributary quarantine replay 7 8
              tributary quarantine replay --code signature_mismatch --dry-run
                  would it help?
              tributary quarantine replay --code signature_mismatch
                  after a secret was put right
              tributary quarantine replay --source stream --since 2h --rate 200
              tributary quarantine replay --all

            Without numbers, only what was not replayed before is taken; --again takes the
            rest, too. What is refused again stays in quarantine as the one entry that it
            was, with its number and its count of tries. Of a batch only the refused
            elements are sent on. An entry is marked when an ingress has it on its disk;
            after an interruption, replaying once more repeats at most one batch, with the
            same event ids.

            The webhooks go to the ingress of the configuration, on this machine, with
            --api, too.

            --dry-run asks the running verifier, with the keys that it has in use, and
            sends, stores and marks nothing; with --json it prints one object per entry and
            a summary on the last line.

            Exit codes: 1 something was or would be refused again, or could not be sent; 64
            there is no such source; 69 a stage does not run.
            """)

    @Argument(help: "Numbers of entries, as listed.")
    var ids: [UInt64] = []

    @OptionGroup var filter: QuarantineFilter

    @Flag(help: "Everything in quarantine.")
    var all = false

    @Flag(help: "Also what was replayed before.")
    var again = false

    @Option(
        help: ArgumentHelp(
            "Webhooks per second, above 0; as fast as the ingress takes them when left out.", valueName: "n"))
    var rate: Double?

    @Flag(help: "Only say what would become of each.")
    var dryRun = false

    @OptionGroup var options: RouterOptions

    func validate() throws {
        guard !ids.isEmpty || !filter.isEmpty || all else {
            throw ValidationError("name entries, or what to choose them by, such as --source or --code, or --all")
        }
        guard ids.isEmpty || (filter.isEmpty && !all) else {
            throw ValidationError("name either entries or what to choose them by")
        }
        guard rate.map({ $0 > 0 && $0.isFinite }) ?? true else { throw ValidationError("--rate must be above 0") }
    }

    func run() {
        let configuration = orExit(options.basic.running)
        if let source = filter.source {
            _ = orExit { () throws(StageFailure) in try configuration.source(named: source) }
        }
        let router = options.router(configuration)
        let walk = orExit { () throws(StageFailure) in
            try QuarantineWalk(router, ids: ids, filter: filter, isRepeated: again)
        }
        if dryRun { return rehearse(walk, configuration) }
        var run = ReplayRun(router: router, ingress: .ingress(configuration), rate: rate)
        let failure = run.replay(walk)
        print(options.json ? run.json.text : run.text)
        if let failure { failure.exit(as: "tributary") }
        if run.failed > 0 || !run.refusedAgain.isEmpty { ExitStatus.failure.exit() }
    }

    private func rehearse(_ walk: QuarantineWalk, _ configuration: TributaryConfiguration) {
        var walk = walk
        var rehearsal = ReplayRehearsal(configuration: configuration)
        orExit { () throws(StageFailure) in
            while true {
                let entries = try walk.next(QuarantineWalk.pageLimit)
                if entries.isEmpty { break }
                for outcome in try rehearsal.judge(entries.map { QuarantineEntry($0) }) {
                    print(options.json ? outcome.json.text : outcome.text)
                }
            }
        }
        for missing in walk.missing { StandardError.write("tributary: entry \(missing.id): \(missing.sentence)\n") }
        print(options.json ? JSONText.object(["summary": rehearsal.json]).text : rehearsal.text)
        if !walk.missing.isEmpty || rehearsal.isAnyRefused { ExitStatus.failure.exit() }
    }
}
