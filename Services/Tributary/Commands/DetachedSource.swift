import ArgumentParser
import Executable
import PipelineConfiguration
import Providers
import VerificationSchemes

/// A source that no configuration names: provider, verification and secrets from the command line.
struct DetachedSource: ParsableArguments {
    @Option(help: ArgumentHelp("A provider, without any configuration.", valueName: "provider"))
    var provider: String?

    @Option(
        name: .customLong("secret"),
        help: ArgumentHelp("Where a secret is: env:NAME or file:PATH. May be repeated.", valueName: "reference"))
    var secrets: [String] = []

    @Option(
        name: .customLong("secret-id"),
        help: ArgumentHelp(
            "What the provider calls the secret: Stream's and LiveKit's API key. One per --secret.", valueName: "id"))
    var secretIDs: [String] = []

    @Option(
        help: ArgumentHelp(
            "Instead of the provider's own: a preset such as standard-webhooks, header:NAME, query:NAME, basic, "
                + "path-token or none.", valueName: "scheme"))
    var verification: String?

    /// Whether anything but the provider is given.
    var isUsed: Bool { !secrets.isEmpty || !secretIDs.isEmpty || verification != nil }

    /// The provider, with its name as the source's. `fallbackID` is the id of secrets that have none.
    func resolve(
        publicURL: String, fallbackID: (VerificationScheme) -> String? = { _ in nil }
    ) throws(StageFailure) -> ResolvedSource {
        let provider = try Self.provider(named: provider ?? "")
        let scheme = try scheme(of: provider)
        var resolved = ResolvedSource(
            provider: provider,
            verification: SourceVerification(source: provider.name, scheme: scheme, publicURL: publicURL))
        if scheme.proof != .none || !secrets.isEmpty { try replaceKeys(of: &resolved, fallbackID: fallbackID(scheme)) }
        return resolved
    }

    /// Takes the secrets that `--secret` names in place of those of `source`.
    func replaceKeys(of source: inout ResolvedSource, fallbackID: String?) throws(StageFailure) {
        var resolved: [SourceSecret] = []
        for (index, text) in secrets.enumerated() {
            let reference = try SecretArgument.reference(text, option: "--secret")
            let id = index < secretIDs.count ? secretIDs[index] : fallbackID
            resolved.append(SourceSecret(id: id, value: try SecretArgument.resolve(reference)))
        }
        let scheme = source.verification.scheme
        do throws(SourceKeyError) {
            source.verification.keys =
                try SourceKeyring.keys(resolved, for: scheme, provider: source.provider.name).toldApart
        } catch {
            throw StageFailure(.usage, "\(error.code): \(error.description) (--secret, --secret-id)")
        }
        source.warnings = SourceKeyring.warnings(resolved, for: scheme)
    }

    /// The provider with that name. Throws a sentence that says which there are.
    static func provider(named name: String) throws(StageFailure) -> any Provider.Type {
        if let known = ProviderRegistry.provider(named: name) { return known }
        throw StageFailure(
            .usage,
            "provider_unknown: there is no provider \(name); \(Suggestion.hint(for: name, among: ProviderRegistry.names))"
        )
    }

    private func scheme(of provider: any Provider.Type) throws(StageFailure) -> VerificationScheme {
        if let verification { return try Self.scheme(verification) }
        switch provider.signing {
        case .always(let scheme): return scheme
        case .optional(let scheme): return secrets.isEmpty ? .none : scheme
        case .never:
            guard secrets.isEmpty else {
                throw StageFailure(
                    .usage,
                    "verification_missing: \(provider.name) signs nothing, so say where the secret travels: "
                        + "--verification header:NAME, query:NAME, basic or path-token")
            }
            return .none
        }
    }

    /// A preset, or one of the places where a token may travel.
    static func scheme(_ word: String) throws(StageFailure) -> VerificationScheme {
        if let preset = SchemePresets.scheme(named: word) { return preset }
        let parts = word.split(separator: ":", maxSplits: 1).map(String.init)
        switch (parts.first, parts.count) {
        case ("header", 2):
            return VerificationScheme("header", .token(.field(parts[1].lowercased(), prefix: "")))
        case ("query", 2): return VerificationScheme("query", .token(.query(parts[1])))
        case ("basic", 1): return VerificationScheme("basic", .token(.basic))
        case ("path-token", 1): return VerificationScheme("path-token", .token(.path))
        case ("none", 1): return .none
        default:
            let words = SchemePresets.names + ["header:NAME", "query:NAME", "basic", "path-token", "none"]
            throw StageFailure(
                .usage,
                "verification_unknown: there is no verification \(word); valid are: \(words.joined(separator: ", "))")
        }
    }
}
