import ArgumentParser
import Bus
import Events
import Executable
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
              bus-tap --json --count 10 | jq .sequence

            It uses only the processor time that nothing else wants. What it is too slow
            for it skips and says so ("skipped N records"), also when a stage was started
            again.

            Exit codes: 64 an unknown source, type or stage, 77 the run directory may
            not be entered, 78 wrong configuration.
            """,
        version: TributaryVersion.current)

    @Option(
        name: .long, help: ArgumentHelp("The configuration file; TRIBUTARY_CONFIG when left out.", valueName: "file"))
    var config = StageOptions.defaultConfiguration
    @Option(
        name: .long,
        help: "Only this hop: ingress, connector, verifier, normaliser or router, or an instance. May be repeated.")
    var stage: [String] = []
    @Option(name: .long, help: "Only this instance, such as verifier-0 or router-0. May be repeated.")
    var instance: [String] = []
    @Option(name: .long, help: "Only records of this source.")
    var source: String?
    @Option(
        name: .long,
        help: "Only events of this canonical type, such as 'participant.*'; dev.tributary. may stand before it.")
    var type: String?
    @Option(name: .long, help: "Only events with this subject, such as 'calls/*'.")
    var subject: String?
    @Option(name: .long, help: "Only events with this id, or webhooks with this sequence.")
    var id: String?
    @Flag(name: .long, help: "Only what was refused, as a whole or in part.")
    var rejected = false
    @Flag(name: .long, help: "Show the request's header fields.")
    var headers = false
    @Flag(name: .long, help: "With --headers: show tokens and credentials too.")
    var reveal = false
    @Flag(name: .long, help: "Show bodies and data.")
    var payload = false
    @Flag(name: .long, help: "Print one line per record.")
    var oneline = false
    @Flag(name: .long, help: "Print one JSON object per record, with payloads as they are.")
    var json = false
    @Option(name: .long, help: "End after this many records, 1 or more.")
    var count: Int?

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count must be at least 1") }
        if oneline, json { throw ValidationError("--oneline and --json exclude one another") }
    }

    func run() throws {
        do {
            // What can be judged without a file is judged first.
            let stages = try StageChoice(stage, option: "--stage")
            let instances = try StageChoice(instance, option: "--instance")
            var filter = TapFilter()
            let configuration = try AcceptedConfiguration.running(config) { StandardError.write("bus-tap: \($0)\n") }
            if let source { filter.source = Array(try configuration.source(named: source).name.utf8) }
            if let type {
                try KnownTypes.require(type)
                filter.type = WildcardPattern(CanonicalTypeName.short(type))
            }
            filter.subject = subject.map { WildcardPattern($0) }
            filter.id = id.map { Array($0.utf8) }
            filter.isRejected = rejected
            let printer = TapPrinter(
                form: json ? .json : oneline ? .line : .block, showsHeaders: headers, showsPayload: payload,
                hidden: reveal ? nil : SecretFields(named: configuration.tokenFields))
            let directory = RunDirectory(path: configuration.runDir)
            let listener = try TapListener(directory: directory, filter: filter, printer: printer) {
                stages.takes($0) && instances.takes($0)
            }
            try listener.listen(count: count ?? .max)
        } catch let failure as StageFailure {
            failure.exit(as: "bus-tap")
        } catch {
            StageFailure(.io, "the bus cannot be listened to: \(error)").exit(as: "bus-tap")
        }
    }
}
