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

    @OptionGroup var pace: ReplayPace
    @OptionGroup var options: RouterOptions

    func validate() throws {
        guard !ids.isEmpty || !filter.isEmpty || all else {
            throw ValidationError("name entries, or what to choose them by, such as --source or --code, or --all")
        }
        guard ids.isEmpty || (filter.isEmpty && !all) else {
            throw ValidationError("name either entries or what to choose them by")
        }
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
        pace.send(walk, configuration, marking: router, json: options.json)
    }
}
