import ArgumentParser
import Executable
import Glibc
import JSON
import PipelineConfiguration
import Providers
import StageMetrics

struct SendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Sends sample webhooks of every provider to the ingress, signed as the provider signs.",
        discussion: """
            Examples:
              tributary send --list                      what there are samples of
              tributary send stream call.created
              tributary send --source stream --all       one of every type
              tributary send stream all --count 100 --rate 500 --connections 4
              tributary send superviz tick --batch 1000  a thousand events in one request
              tributary send stream call.ended --forge   must be refused with 401
              tributary send --source billing --body invoice.json
              tributary send --provider mux --all --secret env:MUX_SECRET \\
                --url http://192.0.2.10:8080/in/mux      without a configuration

            Every webhook has an id of its own. What signs it, and the tokens in its path,
            query or header, are those of the source, read as the configuration says.
            SuperViz's users name events themselves, so any other type is sent as a
            real-time event of that name.

            Exits with 1 when an answer is not 2xx, and with 69 when nobody answers.
            """)

    @Argument(help: ArgumentHelp("The provider, such as stream or fishjam.", valueName: "provider"))
    var positionalProvider: String?

    @Argument(help: ArgumentHelp("An event type of the provider, or all.", valueName: "type"))
    var positionalType: String?

    @Option(help: ArgumentHelp("The source to send to; the provider's first one when left out.", valueName: "name"))
    var source: String?

    @Option(name: .customLong("type"), help: ArgumentHelp("An event type of the provider.", valueName: "type"))
    var chosenType: String?

    @Flag(help: "One of every type.")
    var all = false

    @Option(
        name: [.customLong("count"), .customLong("times")],
        help: ArgumentHelp("How many webhooks of each type, 1 to 10000000.", valueName: "n"))
    var times = 1

    @Option(help: ArgumentHelp("Events per webhook, 1 to 1000, for providers that send batches.", valueName: "n"))
    var batch: Int?

    @Option(help: ArgumentHelp("Webhooks per second, above 0; as fast as possible when left out.", valueName: "n"))
    var rate: Double?

    @Option(help: ArgumentHelp("Connections to send on at once, 1 to 1000.", valueName: "n"))
    var connections = 1

    @Option(
        help: ArgumentHelp("Send this file as the body instead of a sample; - is standard input.", valueName: "file"))
    var body: String?

    @Option(help: ArgumentHelp("A header field to send along, as \"Name: value\".", valueName: "field"))
    var header: [String] = []

    @Option(
        name: [.customLong("url"), .customLong("to")],
        help: ArgumentHelp("Send to this URL instead of the configured ingress.", valueName: "url"))
    var to: String?

    @Flag(name: [.customLong("forge"), .customLong("bad-signature")], help: "Sign wrongly, to see the refusal.")
    var forge = false

    @Flag(help: "List sources and types, and send nothing.")
    var list = false

    @OptionGroup(title: "Without a configuration") var detached: DetachedSource
    @OptionGroup var options: CommandOptions

    func validate() throws {
        guard (1...10_000_000).contains(times) else { throw ValidationError("--count must be 1 to 10000000") }
        guard (1...1000).contains(connections) else { throw ValidationError("--connections must be 1 to 1000") }
        guard rate.map({ $0 > 0 && $0.isFinite }) ?? true else { throw ValidationError("--rate must be above 0") }
        guard batch.map({ (1...1000).contains($0) }) ?? true else { throw ValidationError("--batch must be 1 to 1000") }
        guard positionalType == nil || chosenType == nil && !all, chosenType == nil || !all else {
            throw ValidationError("name the type once: as an argument, with --type, or --all")
        }
        if list { return }
        guard source != nil || positionalProvider != nil || detached.provider != nil else {
            throw ValidationError("name a provider, or a --source; tributary send --list shows both")
        }
        guard type != nil || body != nil else { throw ValidationError("name a type, --all, or a --body") }
        if detached.provider != nil {
            guard to != nil else { throw ValidationError("--provider works without a configuration and needs a --url") }
            guard source == nil, positionalProvider == nil else {
                throw ValidationError("--provider works without a configuration; leave the --source out")
            }
        } else if detached.isUsed {
            throw ValidationError("--secret, --secret-id, --path-token and --verification go with --provider")
        }
        if let provider = positionalProvider ?? detached.provider { try validate(provider) }
    }

    private func validate(_ provider: String) throws {
        guard let known = ProviderRegistry.provider(named: provider) else {
            throw ValidationError(
                "unknown provider \(provider); \(Suggestion.hint(for: provider, among: ProviderRegistry.names))")
        }
        guard body == nil else { return }
        do {
            _ = try SampleChoice.make(known.name, type ?? "", batch: batch)
        } catch {
            throw ValidationError(error.sentence)
        }
    }

    /// The type that is asked for, or `all`.
    var type: String? { all ? "all" : positionalType ?? chosenType }

    func run() {
        // An ingress that closes a connection is an outcome, not the end.
        signal(SIGPIPE, SIG_IGN)
        if list {
            let sources =
                detached.provider.map { [SampleList.Source(name: "", provider: $0)] }
                ?? orExit(options.running).sources.map { SampleList.Source(name: $0.name, provider: $0.provider) }
            print(options.json ? SampleList.json(sources).text : SampleList.text(sources))
            return
        }
        let plan = orExit { () throws(StageFailure) in
            detached.provider == nil ? try makePlan(try options.running()) : try makeDetachedPlan()
        }
        if plan.url.isTLS {
            StageFailure(.usage, "samples are sent over http only; name the ingress itself, not its TLS proxy")
                .exit(as: "tributary")
        }
        let start = monotonicNanoseconds()
        let outcomes = SampleSender(plan: plan).send()
        let elapsed = Double(monotonicNanoseconds() - start) / 1e9
        report(SendReport(url: plan.shownURL, outcomes: outcomes, elapsedSeconds: elapsed))
    }

    private func report(_ report: SendReport) {
        print(options.json ? report.json.text : report.text)
        if report.outcomes.allSatisfy(\.isUnreachable) {
            let hint = "is the pipeline up? start it with: scripts/supervisor up -d"
            StageFailure(.unavailable, "\(report.outcomes.first?.failure ?? "nothing was sent"); \(hint)")
                .exit(as: "tributary")
        }
        let isFine = report.outcomes.allSatisfy { $0.status.map { forge || (200..<300).contains($0) } ?? false }
        if !isFine { ExitStatus.failure.exit() }
    }
}
