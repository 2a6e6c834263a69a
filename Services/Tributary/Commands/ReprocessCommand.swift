import ArgumentParser
import Executable
import JSON
import PipelineConfiguration

/// `tributary reprocess`: sends the webhooks of a recording of `bus-tap` through a pipeline, the way in which refused ones
/// go through it again (`ReplayRun`).
struct ReprocessCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reprocess",
        abstract: "Sends recorded webhooks through this pipeline, to reproduce what they did.",
        discussion: """
            Examples:
              bus-tap --record bug.tap --where /call/id=42
                  on the machine where it happens
              tributary reprocess --from bug.tap --dry-run
                  on another: what would become of each?
              tributary reprocess --from bug.tap
              tributary reprocess --from bug.tap --source stream --as stream-test
              ssh gateway bus-tap --record - --count 100 | tributary reprocess --from -

            Each webhook is posted once, however many hops it was recorded at, with its
            head and body as they came in and the time at which they did, by which
            signatures are judged. So the pipeline needs the same secrets, or a source with
            'verification: none'. Events get the ids that they had; a pipeline that has
            them already drops them as duplicates.

            The webhooks go to the ingress of the configuration, on this machine.

            --dry-run asks the running verifier, with the keys that it has in use, and
            sends and stores nothing.

            Exit codes: 1 something was or would be refused, or could not be sent; 64
            there is no such source; 69 a stage does not run; 74 the file is no recording,
            or ends within a webhook: what is before that was sent.
            """)

    @Option(help: ArgumentHelp("A recording of bus-tap; - is standard input.", valueName: "file"))
    var from: String

    @Option(help: ArgumentHelp("Only webhooks of this source.", valueName: "name"))
    var source: String?

    @Option(
        help: ArgumentHelp(
            "The source of this pipeline that they are sent to; the same when left out.", valueName: "name"))
    var `as`: String?

    @OptionGroup var pace: ReplayPace
    @OptionGroup var options: CommandOptions

    func run() {
        let configuration = orExit(options.running)
        let walk = orExit { () throws(StageFailure) in
            if let `as` { _ = try configuration.source(named: `as`) }
            return try RecordedWalk(from, source: source, sentTo: `as`)
        }
        pace.send(walk, configuration, marking: nil, json: options.json)
    }
}

/// How webhooks are sent through the pipeline again.
struct ReplayPace: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Webhooks per second, above 0; as fast as the ingress takes them when left out.", valueName: "n"))
    var rate: Double?

    @Flag(help: "Only say what would become of each.")
    var dryRun = false

    func validate() throws {
        guard rate.map({ $0 > 0 && $0.isFinite }) ?? true else { throw ValidationError("--rate must be above 0") }
    }

    /// Sends or rehearses, prints what became of it, and ends the process with 1 where that is not all good. `router`: where
    /// what was sent is marked.
    func send(
        _ walk: some ReplayWalk, _ configuration: TributaryConfiguration, marking router: StageClient?, json: Bool
    ) {
        if dryRun { return rehearse(walk, configuration, json: json) }
        var run = ReplayRun(router: router, ingress: .ingress(configuration), rate: rate)
        let failure = run.replay(walk)
        print(json ? run.json.text : run.text)
        if let failure { failure.exit(as: "tributary") }
        if run.failed > 0 || !run.refusedAgain.isEmpty { ExitStatus.failure.exit() }
    }

    private func rehearse(_ walk: some ReplayWalk, _ configuration: TributaryConfiguration, json: Bool) {
        var walk = walk
        var rehearsal = ReplayRehearsal(configuration: configuration)
        orExit { () throws(StageFailure) in
            while true {
                let entries = try walk.next(QuarantineWalk.pageLimit)
                if entries.isEmpty { break }
                for outcome in try rehearsal.judge(entries.map { QuarantineEntry($0) }) {
                    print(json ? outcome.json.text : outcome.text)
                }
            }
        }
        for missing in walk.missing { StandardError.write("tributary: entry \(missing.id): \(missing.sentence)\n") }
        print(json ? JSONText.object(["summary": rehearsal.json]).text : rehearsal.text)
        if !walk.missing.isEmpty || rehearsal.isAnyRefused { ExitStatus.failure.exit() }
    }
}
