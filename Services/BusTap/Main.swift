import ArgumentParser
import Bus
import Events
import Glibc
import StageRuntime
import Wire
import ZeroMQ

/// Listens to the bus without touching it: every record at every hop, filtered, decoded, printed.
@main
struct BusTap: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bus-tap", abstract: "Shows the records on the bus as they pass each stage.",
        discussion: """
            Header fields and payloads are hidden until asked for, because they hold personal details. Tokens, also those
            in path and query, and credentials are hidden even then, until asked for by --reveal.

            Examples:
              bus-tap                                        every record at every hop
              bus-tap --stage normaliser --type 'participant.*'
              bus-tap --source stream --headers --payload    with everything
              bus-tap --json --count 10 | jq .sequence       one JSON object per line, ten records

            A listener that is too slow loses records, never the pipeline time; then "dropped N" is said.
            """,
        version: TributaryVersion.current)

    @Option(name: .long, help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config = StageOptions.defaultConfiguration
    @Option(
        name: .long, help: "Only this hop: ingress-gateway, verifier, normaliser or fanout-router. May be repeated.")
    var stage: [String] = []
    @Option(name: .long, help: "Only records of this source.")
    var source: String?
    @Option(name: .long, help: "Only events of this canonical type, such as 'participant.*'.")
    var type: String?
    @Option(name: .long, help: "Only events with this subject, such as 'calls/*'.")
    var subject: String?
    @Option(name: .long, help: "Only events with this id, or webhooks with this sequence.")
    var id: String?
    @Flag(name: .long, help: "Show the request's header fields.")
    var headers = false
    @Flag(name: .long, help: "With --headers: show tokens and credentials too.")
    var reveal = false
    @Flag(name: .long, help: "Show bodies and data.")
    var payload = false
    @Flag(name: .long, help: "Print one JSON object per record.")
    var json = false
    @Option(name: .long, help: "End after this many records.")
    var count: Int?

    func validate() throws {
        for name in stage where !StageRole.allCases.contains(where: { $0.description == name }) {
            let names = StageRole.allCases.map(\.description).joined(separator: ", ")
            throw ValidationError("--stage \(name): there is no such stage; the stages are \(names)")
        }
        if let count, count < 1 { throw ValidationError("--count must be at least 1") }
    }

    func run() throws {
        let filter = TapFilter(
            stages: Set(stage), source: source, type: type.map { WildcardPattern($0) },
            subject: subject.map { WildcardPattern($0) }, id: id)
        do {
            let configuration = try StageEnvironment.loadConfiguration(config)
            let printer = TapPrinter(
                asJSON: json, showsHeaders: headers, showsPayload: payload,
                hidden: reveal ? nil : SecretFields(named: configuration.tokenFields))
            let listener = try TapListener(directory: RunDirectory(path: configuration.runDir))
            try listener.listen(filter: filter, printer: printer, count: count ?? .max)
        } catch let failure as StageFailure {
            failure.exit(as: "bus-tap")
        } catch {
            StageFailure(.io, "the bus cannot be listened to: \(error)").exit(as: "bus-tap")
        }
    }
}
