import ArgumentParser
import Bus
import Executable
import Glibc
import PipelineConfiguration
import TapPrinting
import Wire

/// Listens to the bus without touching it: every record at every hop, filtered, decoded, printed.
@main
struct BusTap: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bus-tap", abstract: "Shows the records on the bus as they pass each stage.",
        discussion: """
            Header fields and payloads are hidden until asked for, because they hold
            personal details. Tokens, also those in path and query, and credentials are
            hidden even then, until asked for by --reveal.

            Examples:
              bus-tap                                every record at every hop
              bus-tap --stage normaliser --type 'participant.*'
              bus-tap --instance router-0 --oneline  a line per record
              bus-tap --rejected                     what is refused, and why
              bus-tap --source stream --headers --payload
              bus-tap --where /call/id=42 --where /call/ended_at
              bus-tap --json --count 10 | jq .sequence
              bus-tap --diff --source stream         webhooks beside their events
              bus-tap --follow 0199f7c2-5a0e-7cc3-98c4-dc0c0c07398f
                                                     one webhook on its way, with times
              bus-tap --record bug.tap --source stream --count 1 --stage ingress
              bus-tap --from bug.tap --payload       what was recorded
              ssh gateway bus-tap --oneline          on another host
              ssh gateway bus-tap --record - > bug.tap

            A recording holds whole webhooks: payloads, signatures and tokens. Its file is
            readable by its owner alone. 'tributary reprocess --from bug.tap' sends its
            webhooks through another pipeline.

            It uses only the processor time that nothing else wants, unless --eager is
            given. What it is too slow for it skips and says so ("skipped N records"), also
            when a stage was started again.

            Exit codes: 1 what --follow followed was refused, or is not in the recording,
            64 an unknown source, type or stage, 74 a recording cannot be read or written,
            77 the run directory may not be entered, 78 wrong configuration.
            """,
        version: TributaryVersion.current)

    @Option(
        name: .long, help: ArgumentHelp("The configuration file; TRIBUTARY_CONFIG when left out.", valueName: "file"))
    var config = StageOptions.defaultConfiguration
    @OptionGroup var wanted: FilterOptions
    @Flag(name: .long, help: "Show the request's header fields.")
    var headers = false
    @Flag(name: .long, help: "With --headers, --payload or --diff: show tokens and credentials too.")
    var reveal = false
    @Flag(name: .long, help: "Show bodies and data.")
    var payload = false
    @Flag(name: .long, help: "Print one line per record.")
    var oneline = false
    @Flag(name: .long, help: "Print one JSON object per record.")
    var json = false
    @Flag(
        name: .long,
        help: "Show bodies beside what the normaliser made of them, in two columns on a terminal; at its hop.")
    var diff = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Wait for one webhook, named as by --id, and show its way until it is in the event log or refused.",
            valueName: "id"))
    var follow: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write what is shown, whole, into a new file as well; - is standard output, instead.", valueName: "file"))
    var record: String?
    @Flag(name: .long, help: "With --record: replace the file.")
    var force = false
    @Option(
        name: .long, help: ArgumentHelp("Show a recording instead of the bus; - is standard input.", valueName: "file"))
    var from: String?
    @Flag(name: .long, help: "Take processor time from the stages rather than skip records.")
    var eager = false
    @Option(name: .long, help: "End after this many records, 1 or more.")
    var count: Int?

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count must be at least 1") }
        if oneline, json || diff { throw ValidationError("--oneline excludes --json and --diff") }
        if follow != nil {
            guard !diff, !oneline, count == nil, wanted.id == nil else {
                throw ValidationError("--follow excludes --diff, --oneline, --count and --id")
            }
            guard wanted.stage.isEmpty, wanted.instance.isEmpty else {
                throw ValidationError("--follow looks at every hop: leave --stage and --instance out")
            }
        }
        if force, record == nil { throw ValidationError("--force goes with --record") }
        if record == "-", isatty(1) == 1 { throw ValidationError("--record - wants a file or a pipe, not a terminal") }
    }

    func run() throws {
        do {
            // What can be judged without a file is judged first.
            let isMeant = try wanted.choice(of: diff ? ["normaliser"] : [])
            _ = try wanted.conditions()
            let configuration = try AcceptedConfiguration.running(config) { StandardError.write("bus-tap: \($0)\n") }
            let filter = try wanted.filter(configuration)
            let output = TapOutput(
                filter: filter, printer: printer(configuration), journey: follow.map { TapJourney(TapID($0)) },
                recording: try record.map { path throws(StageFailure) in try RecordingFile(path, replaces: force) },
                count: count ?? .max)
            if let from {
                try RecordingFile.play(from, isMeant: isMeant, into: output)
            } else {
                if let follow {
                    StandardError.write(
                        "bus-tap: waiting for \(follow); what has passed already is shown by: tributary events "
                            + "\(follow)\n")
                }
                let directory = RunDirectory(path: configuration.runDir)
                try TapListener(directory: directory, isMeant: isMeant, isEager: eager, output: output)
                    .listen()
            }
            if output.journeyEnd == .refused { ExitStatus.failure.exit() }
            if let follow, let from, output.journeyEnd == nil {
                throw StageFailure(.failure, "\(from) does not show the end of the way of \(follow)")
            }
        } catch let failure as StageFailure {
            failure.exit(as: "bus-tap")
        } catch {
            StageFailure(.io, "the bus cannot be listened to: \(error)").exit(as: "bus-tap")
        }
    }

    private func printer(_ configuration: TributaryConfiguration) -> TapPrinter {
        let form: TapPrinter.Form =
            switch (json, diff, oneline) {
            case (true, true, _): .diffJSON
            case (true, false, _): .json
            case (false, true, _): .diff(TerminalLayout.standardOutput)
            case (false, false, let isLine): isLine ? .line : .block
            }
        return TapPrinter(
            form: form, showsHeaders: headers, showsPayload: payload,
            hidden: reveal ? nil : SecretFields(named: configuration.tokenFields))
    }
}
