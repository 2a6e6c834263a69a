import ArgumentParser
import Events
import Executable
import Glibc
import JSON
import PipelineConfiguration
import Providers
import VerificationSchemes

struct NormaliseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "normalise",
        abstract: "Shows what events a webhook becomes, one CloudEvent per line.",
        discussion: """
            Examples:
              tributary normalise --provider stream < body.json
              tributary normalise --source rooms --pretty < body.bin
              tributary normalise --provider stream --header "X-WEBHOOK-ID: 7d1f" < body
              tributary normalise --provider generic --mapping mapping.yaml < body.json
              tributary normalise --provider superviz < batch.json | jq -r .subject

            Nothing is verified, stored or sent. Ids that the provider does not give are
            made here and will be others in the pipeline; sequence is 0. A mapping file
            holds what stands under mapping in the configuration.

            Events go to standard output; elements of a batch that are refused go to
            standard error, as "element 17: type_missing: …".

            Exits with 1 when the whole webhook is refused, 64 for wrong usage, 78 for a
            wrong configuration.
            """)

    @Option(help: ArgumentHelp("A provider, without any configuration.", valueName: "provider"))
    var provider: String?

    @Option(help: ArgumentHelp("The mapping of a generic provider, as YAML.", valueName: "file"))
    var mapping: String?

    @Option(
        help: ArgumentHelp("The source that events say they come from; the provider when left out.", valueName: "name"))
    var sourceName: String?

    @Flag(help: "Several lines per event, for reading.")
    var pretty = false

    @OptionGroup var webhook: WebhookOptions

    func validate() throws {
        guard (provider == nil) != (webhook.source == nil) else {
            throw ValidationError("name either a --provider or a --source")
        }
        guard mapping == nil || provider != nil else {
            throw ValidationError("a --source has its mapping in the configuration; leave --mapping out")
        }
    }

    func run() {
        // Whoever reads the events may stop early; that is the end of this command, without a word.
        signal(SIGPIPE, SIG_DFL)
        let outcome = orExit { () throws(StageFailure) -> LocalOutcome in try self.outcome() }
        for event in outcome.events { print(pretty ? Self.pretty(event) : event) }
        StandardError.write(Self.remarks(outcome))
        if outcome.refusal != nil { ExitStatus.failure.exit() }
    }

    /// What becomes of the webhook.
    func outcome() throws(StageFailure) -> LocalOutcome {
        let source = try chosenSource()
        let name = sourceName ?? source.name
        let pipeline = LocalPipeline(sources: [
            name: LocalPipeline.Source(
                source.provider, SourceVerification(source: name, scheme: .none), source.options,
                maxInflatedBytes: 2 * source.maxBodyBytes)
        ])
        return pipeline.run(try webhook.webhook(source: name, limit: source.maxBodyBytes))
    }

    private struct Chosen {
        let name: String
        let provider: any Provider.Type
        let options: MappingOptions
        let maxBodyBytes: Int
    }

    private func chosenSource() throws(StageFailure) -> Chosen {
        if let name = webhook.source {
            let configuration = try TributaryConfiguration.loadForProcess(webhook.config)
            let source = try configuration.source(named: name)
            return Chosen(
                name: name, provider: try DetachedSource.provider(named: source.provider), options: source.mapping,
                maxBodyBytes: webhook.maxBodyBytes ?? configuration.ingress.maxBodyBytes)
        }
        let provider = try DetachedSource.provider(named: provider ?? "")
        let options =
            if let mapping { try MappingFile.read(mapping) } else { MappingOptions() }
        return Chosen(
            name: provider.name, provider: provider, options: options,
            maxBodyBytes: webhook.maxBodyBytes ?? BodySource.defaultMostBytes)
    }

    private static func pretty(_ event: String) -> String {
        JSONValue.read(Array(event.utf8))?.indented() ?? event
    }

    /// What is said beside the events, one line each.
    static func remarks(_ outcome: LocalOutcome) -> String {
        var lines: [String] = []
        if outcome.isProbe { lines.append("a probe of the provider's, which the ingress answers; no event") }
        if outcome.answered != nil { lines.append("a handshake, which the verifier answers; no event") }
        if let refusal = outcome.refusal { lines.append("refused: \(text(refusal))") }
        lines += outcome.elementRefusals.map { "element \($0.element): \(text($0))" }
        let isSilent = lines.isEmpty && outcome.events.isEmpty
        if isSilent { lines.append("it announces nothing; no event") }
        return lines.map { "tributary: \($0)\n" }.joined()
    }

    private static func text(_ rejection: Rejection) -> String {
        let code = rejection.code.rawValue
        return rejection.detail.isEmpty ? code : "\(code): \(printable(rejection.detail))"
    }
}
