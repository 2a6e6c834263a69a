import ArgumentParser
import Events
import Executable
import JSON
import PipelineConfiguration
import VerificationSchemes
import Wire

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Says whether a webhook is genuine; if not, which check failed and why that may be.",
        discussion: """
            Examples:
              tributary verify --source stream --headers-file head.txt < body.json
              tributary verify --provider fastpix --secret env:FASTPIX_SECRET \\
                --header "FastPix-Signature: 3q2+7w==" < body.json
              tributary verify --provider mux --secret file:mux.secret \\
                --at 2026-10-05T14:49:20Z --headers-file head.txt --body body.json
              tributary verify --provider twilio --secret env:TWILIO_TOKEN \\
                --url https://gw.example.com/in/twilio --headers-file head.txt < form
              tributary verify --source stream --secret env:NEW_SECRET \\
                --headers-file head.txt < body.json         would the new secret do?

            The body must be the bytes that came over the network: an editor that adds a
            line feed, or a tool that writes JSON anew, breaks every signature. What was
            captured earlier is judged with --at, the time of its receipt.

            Secrets are named, never written on the command line, and never shown; header
            fields that hold one belong into a --headers-file.

            Exits with 0 when it is genuine, 1 when it is refused, 64 for wrong usage, 78
            for a wrong configuration.
            """)

    @Option(
        help: ArgumentHelp(
            "The URL that it was sent to, without a path token; needed where the URL is signed.", valueName: "url"))
    var url: String?

    @Flag(help: "Print JSON, for programs.")
    var json = false

    @OptionGroup(title: "Without a configuration") var detached: DetachedSource
    @OptionGroup var webhook: WebhookOptions

    func validate() throws {
        guard (detached.provider == nil) != (webhook.source == nil) else {
            throw ValidationError("name either a --provider or a --source")
        }
        guard webhook.source == nil || detached.verification == nil else {
            throw ValidationError("a --source has its verification in the configuration; leave --verification out")
        }
    }

    func run() {
        let report = orExit { () throws(StageFailure) -> VerifyReport in try self.report() }
        print(json ? report.json.text : report.text)
        if !report.isGenuine { ExitStatus.failure.exit() }
    }

    /// What verification came to, and why.
    func report() throws(StageFailure) -> VerifyReport {
        let sent = try url.map { text throws(StageFailure) in try SentURL(text) }
        var limit = BodySource.defaultMostBytes
        var source: ResolvedSource?
        if let name = webhook.source {
            let configuration = try TributaryConfiguration.loadForProcess(webhook.config)
            limit = configuration.ingress.maxBodyBytes
            source = try configured(try configuration.source(named: name), configuration, sent)
        }
        var request = try webhook.webhook(
            source: sent?.source ?? webhook.source ?? detached.provider ?? "", limit: limit)
        if let query = sent?.query, !request.head.contains(where: { $0.name == RequestHead.query }) {
            request.head.append((RequestHead.query, query))
        }
        let resolved: ResolvedSource
        if let source {
            resolved = source
        } else {
            var named = try detached.resolve(publicURL: sent?.base ?? "") { scheme in
                Self.idNamed(by: request, scheme)
            }
            named.verification.source = request.source
            resolved = named
        }
        return try VerifyReport(
            resolved, request, maxInflatedBytes: 2 * (webhook.maxBodyBytes ?? limit), isJudgedNow: webhook.at == nil)
    }

    private func configured(
        _ source: SourceConfiguration, _ configuration: TributaryConfiguration, _ sent: SentURL?
    ) throws(StageFailure) -> ResolvedSource {
        var resolved: ResolvedSource
        if detached.secrets.isEmpty {
            resolved = try ResolvedSource(source, configuration)
        } else {
            resolved = ResolvedSource(
                provider: try DetachedSource.provider(named: source.provider),
                verification: SourceVerification(
                    source: source.name, scheme: source.scheme, addresses: source.addresses,
                    publicURL: configuration.ingress.publicURL))
            try detached.replaceKeys(of: &resolved, fallbackID: source.secrets.first?.id)
        }
        if let sent { resolved.verification.publicURL = sent.base }
        return resolved
    }

    /// The id that the request itself gives its key, for secrets without a --secret-id.
    private static func idNamed(by request: LocalRecord.Webhook, _ scheme: VerificationScheme) -> String? {
        guard case .signature(let signature) = scheme.proof, let field = signature.keyField else { return nil }
        return request.head.first { $0.name.lowercased() == field }?.value
    }
}

/// The URL that a webhook was sent to: `<base>/in/<source>?<query>`.
struct SentURL {
    let base: String
    let source: String
    let query: String?

    init(_ text: String) throws(StageFailure) {
        let wanted = "write it as https://gw.example.com/in/<source>, with its query"
        let url: EndpointURL
        do {
            url = try EndpointURL(text)
        } catch {
            throw StageFailure(.usage, "url_malformed: --url is no URL: \(error.reason); \(wanted)")
        }
        let parts = url.target.split(separator: "?", maxSplits: 1).map(String.init)
        let path = parts.first ?? ""
        let marks = path.ranges(of: "/in/")
        guard let mark = marks.last, path[mark.upperBound...].count > 0 else {
            throw StageFailure(.usage, "url_malformed: --url has no /in/<source> in its path; \(wanted)")
        }
        guard !path[mark.upperBound...].contains("/") else {
            throw StageFailure(
                .usage, "url_holds_a_token: leave the path token out of --url and name it with --path-token")
        }
        source = String(path[mark.upperBound...])
        guard source.utf8.count <= Limits.sourceNameBytes else {
            throw StageFailure(.usage, "url_malformed: the source in --url is longer than 63 characters")
        }
        query = parts.count == 2 ? parts[1] : nil
        base = "\(url.isTLS ? "https" : "http")://\(url.hostHeader)\(path[..<mark.lowerBound])"
    }
}
