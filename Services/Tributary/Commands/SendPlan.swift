import Executable
import PipelineConfiguration
import Providers
import StageMetrics
import VerificationSchemes

/// Where to send, and with which secret.
extension SendCommand {
    /// The plan for a source of the configuration.
    func makePlan(_ configuration: TributaryConfiguration) throws(StageFailure) -> SampleSender.Plan {
        let chosen = try chosenSource(configuration)
        let resolved = try ResolvedSource(chosen, configuration)
        let signer = try signer(resolved.verification)
        let listen = configuration.ingress.listen
        let host = ["0.0.0.0", "::"].contains(listen.host) ? "127.0.0.1" : listen.host
        let base = to ?? "http://\(ListenAddress(host: host, port: listen.port))"
        return try plan(
            resolved.provider.name, signer, base: base, path: "/in/\(chosen.name)",
            maxBodyBytes: configuration.ingress.maxBodyBytes)
    }

    /// The plan for `--provider`, with everything from the command line.
    func makeDetachedPlan() throws(StageFailure) -> SampleSender.Plan {
        let url = try endpoint(to ?? "")
        let origin = "\(url.isTLS ? "https" : "http")://\(url.hostHeader)"
        let resolved = try detached.resolve(publicURL: origin)
        return try plan(
            resolved.provider.name, try signer(resolved.verification), base: url.text, path: "",
            maxBodyBytes: BodySource.defaultMostBytes)
    }

    private func chosenSource(_ configuration: TributaryConfiguration) throws(StageFailure) -> SourceConfiguration {
        let candidates = configuration.sources.filter { positionalProvider == nil || $0.provider == positionalProvider }
        if let chosen = source.map({ name in candidates.first { $0.name == name } }) ?? candidates.first {
            return chosen
        }
        let names = candidates.map(\.name).joined(separator: ", ")
        let ofProvider = positionalProvider.map { " of the provider \($0)" } ?? ""
        throw StageFailure(
            .usage,
            "\(options.config) has no source\(source.map { " \($0)" } ?? "")\(ofProvider)"
                + (names.isEmpty ? "; add one under sources" : "; it has \(names)"))
    }

    private func signer(_ verification: SourceVerification) throws(StageFailure) -> WebhookSigner {
        let signer = WebhookSigner(verification, at: wallNanoseconds(), isForger: forge)
        if forge, !signer.provesAnything {
            throw StageFailure(
                .usage, "\(verification.source) asks for no proof, so nothing can be forged; leave --forge out")
        }
        return signer
    }

    private func plan(
        _ provider: String, _ signer: WebhookSigner, base: String, path: String, maxBodyBytes: Int
    ) throws(StageFailure) -> SampleSender.Plan {
        let fields = try header.map { text throws(StageFailure) in try HeaderText.field(text) }
        let contents: SampleSender.Contents
        if let body {
            let bytes = try BodySource(path: body, mostBytes: maxBodyBytes).read()
            contents = .body(
                bytes, named: self.type ?? "body", headers: fields,
                contentType: SampleCatalogue.of(provider)?.contentType ?? "application/json")
        } else {
            let choice = try SampleChoice.make(provider, type ?? "", batch: batch)
            contents = .samples(choice, headers: fields)
        }
        let token = signer.pathToken.map { "/" + $0 } ?? ""
        let behind = ProviderRegistry.provider(named: provider)?.endpoint.map { "/" + $0.samplePath } ?? ""
        // Without a configuration the URL is the source's, and only its token is missing.
        let url = detached.provider == nil ? try url(base, path + token + behind) : try endpoint(base + token + behind)
        return SampleSender.Plan(
            contents: contents, signer: signer, rounds: times, rate: rate, connections: connections, url: url,
            shownURL: token.isEmpty ? url.text : url.text.replacing(token, with: "/…"))
    }

    /// The base as it is, with the path when it has none.
    private func url(_ base: String, _ path: String) throws(StageFailure) -> EndpointURL {
        let url = try endpoint(base.hasSuffix("/") ? String(base.dropLast()) : base)
        return url.target == "/" ? try endpoint(url.text + path) : url
    }

    private func endpoint(_ text: String) throws(StageFailure) -> EndpointURL {
        do {
            return try EndpointURL(text)
        } catch {
            throw StageFailure(.usage, "--url \(text) is not a URL to send to: \(error.reason)")
        }
    }
}
