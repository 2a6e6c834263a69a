import ArgumentParser
import Glibc
import Metrics
import Providers
import StageRuntime

/// `tributary send`
struct SendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Sends correctly signed sample webhooks to the ingress.",
        discussion: """
            Examples:
              tributary send stream call.created
              tributary send fastpix all                            one of every type
              tributary send stream all --times 100 --rate 500 --connections 4
              tributary send stream call.ended --bad-signature      must be refused with 401
              tributary send stream call.ended --to http://192.0.2.10:8080

            Providers: stream, fastpix. Every webhook has an id of its own. The secret is the first one of the source,
            read as the configuration says. Exits with 1 when an answer is not 2xx, and with 69 when nobody answers.
            """)

    @Argument(help: "stream or fastpix.")
    var provider: String

    @Argument(help: "An event type of the provider, or all.")
    var type: String

    @Option(help: ArgumentHelp("How many of each type.", valueName: "n"))
    var times = 1

    @Option(help: ArgumentHelp("Webhooks per second; as fast as possible when left out.", valueName: "n"))
    var rate: Double?

    @Option(help: ArgumentHelp("Connections to send on at once.", valueName: "n"))
    var connections = 1

    @Option(help: ArgumentHelp("The source to send to; the provider's first one when left out.", valueName: "name"))
    var source: String?

    @Option(help: ArgumentHelp("Send to this URL instead of the configured ingress.", valueName: "url"))
    var to: String?

    @Flag(help: "Sign wrongly, to see the refusal.")
    var badSignature = false

    @OptionGroup var options: CommandOptions

    func validate() throws {
        let types = SampleWebhook.types(of: provider)
        guard !types.isEmpty else { throw ValidationError("no samples of \(provider); there are stream and fastpix") }
        guard type == "all" || types.contains(type) else {
            let hint = Suggestion.hint(for: type, among: ["all"] + types)
            throw ValidationError("\(provider) has no type \(type); \(hint)")
        }
        guard (1...10_000_000).contains(times) else { throw ValidationError("--times must be 1 to 10000000") }
        guard (1...1000).contains(connections) else { throw ValidationError("--connections must be 1 to 1000") }
        guard rate.map({ $0 > 0 && $0.isFinite }) ?? true else { throw ValidationError("--rate must be above 0") }
    }

    func run() {
        // An ingress that closes a connection is an outcome, not the end.
        signal(SIGPIPE, SIG_IGN)
        let plan = orExit { () throws(StageFailure) in try makePlan(options.configuration()) }
        if plan.url.isTLS {
            StageFailure(.usage, "samples are sent over http only; name the ingress itself, not its TLS proxy")
                .exit(as: "tributary")
        }
        let start = monotonicNanoseconds()
        let outcomes = SampleSender(plan: plan).send()
        let elapsed = Double(monotonicNanoseconds() - start) / 1e9
        let report = SendReport(url: plan.url.text, outcomes: outcomes, elapsedSeconds: elapsed)
        print(options.json ? report.json.text : report.text)
        if outcomes.allSatisfy(\.isUnreachable) {
            let hint = "is the pipeline up? start it with: scripts/supervisor up -d"
            StageFailure(.unavailable, "\(outcomes.first?.failure ?? "nothing was sent"); \(hint)")
                .exit(as: "tributary")
        }
        let isFine = outcomes.allSatisfy { $0.status.map { badSignature || (200..<300).contains($0) } ?? false }
        if !isFine { ExitStatus.failure.exit() }
    }

    /// Where to send, and with which secret.
    func makePlan(_ configuration: TributaryConfiguration) throws(StageFailure) -> SampleSender.Plan {
        let candidates = configuration.sources.filter { $0.provider == provider }
        guard let chosen = source.map({ name in candidates.first { $0.name == name } }) ?? candidates.first else {
            let names = candidates.map(\.name).joined(separator: ", ")
            throw StageFailure(
                .usage,
                "\(options.config) has no source \(source ?? "") of the provider \(provider)"
                    + (names.isEmpty ? "; add one under sources" : "; it has \(names)"))
        }
        guard let provider = ProviderRegistry.provider(named: provider) else {
            throw StageFailure(.usage, "this version has no provider \(provider)")
        }
        let key = try key(of: chosen, provider)
        var path = "/in/\(chosen.name)"
        if let token = chosen.pathToken {
            path += "/" + AdminClient.encoded(String(decoding: try resolve(token), as: UTF8.self))
        }
        return SampleSender.Plan(
            provider: provider, key: badSignature ? key.spoiled : key,
            types: type == "all" ? SampleWebhook.types(of: provider.name) : [type], rounds: times, rate: rate,
            connections: connections, url: try url(configuration.ingress.listen, path))
    }

    /// The key made of the source's first secret.
    private func key(
        of source: SourceConfiguration, _ provider: any Provider.Type
    ) throws(StageFailure) -> SourceKey {
        var secrets: [Providers.SourceSecret] = []
        for secret in source.secrets.prefix(1) {
            secrets.append(Providers.SourceSecret(id: secret.id, value: try resolve(secret.value)))
        }
        do throws(SourceKeyError) {
            return try provider.makeKeys(secrets).keys[0]
        } catch {
            throw StageFailure(.configuration, "source \(source.name): \(error.description)")
        }
    }

    /// `--to` as it is, with the source's path when it has none; otherwise the configured ingress.
    private func url(_ listen: ListenAddress, _ path: String) throws(StageFailure) -> EndpointURL {
        let host = ["0.0.0.0", "::"].contains(listen.host) ? "127.0.0.1" : listen.host
        let base = to ?? "http://\(ListenAddress(host: host, port: listen.port))"
        let url: EndpointURL
        do {
            url = try EndpointURL(base.hasSuffix("/") ? String(base.dropLast()) : base)
            if url.target == "/" { return try EndpointURL(url.text + path) }
        } catch {
            throw StageFailure(.usage, "--to \(base) is not a URL to send to: \(error.reason)")
        }
        return url
    }

    private func resolve(_ reference: SecretReference) throws(StageFailure) -> [UInt8] {
        do {
            return try reference.resolve()
        } catch {
            throw StageFailure(.configuration, "a secret is needed for signing: \(error.sentence)")
        }
    }
}
