import Providers
import VerificationSchemes

extension FieldKind where V == VerificationScheme {
    /// The word of a scheme that has a name.
    static let presetScheme: FieldKind = {
        let words = SchemePresets.names
        return FieldKind.parsed(
            "one of \(words.joined(separator: ", ")), or a mapping with scheme", schema: .string(oneOf: words),
            { word throws(WrongText) in
                if let scheme = SchemePresets.scheme(named: word) { return scheme }
                guard let kind = SchemeWord(rawValue: word) else {
                    throw .sentence("unknown verification \"\(word)\"; \(Suggestion.hint(for: word, among: words))")
                }
                throw .sentence("\(word) needs more than its name; \(kind.example)")
            }, write: \.name)
    }()

    /// A word such as `mux`, `path-token` or `none`, or a scheme spelled out.
    static let verification = FieldKind.either(
        presetScheme.expected, scalar: .presetScheme, otherwise: .spelledOut
    ) { SchemePresets.scheme(named: $0.name) == $0 }.shown { $0.name }

    /// A mapping; what it leaves out is as in the provider's own scheme, or in the preset that it names.
    private static let spelledOut: FieldKind = {
        let tables = SchemeWord.allCases.map { SchemeDraft.table($0) }
        var kind = FieldKind(
            "a mapping with scheme or preset", schema: { use in .anyOf(tables.map { $0.schema(use) }) },
            read: { value, own in read(value, own: own) },
            write: { scheme, use in
                let draft = SchemeDraft(scheme)
                return SchemeDraft.table(draft.word).write(draft, use)
            })
        kind.pages = { place in
            SchemeWord.allCases.filter { ![.basic, .pathToken, .none].contains($0) }.flatMap {
                SchemeDraft.table($0).pages("\(place) with scheme: \($0.rawValue)")
            }
        }
        return kind
    }()

    private static func read(_ value: Value, own: VerificationScheme?) -> VerificationScheme? {
        let (given, preset) = (value["scheme"], value["preset"])
        var word = given?.scalar.flatMap { SchemeWord(rawValue: $0) }
        var base = given == nil ? own : nil
        if let name = preset?.scalar { base = SchemePresets.scheme(named: name) }
        if word == nil, let base { word = SchemeWord(base.proof) }
        guard let word else {
            guard let section = Section(value, keys: SchemeDraft.allKeys) else { return nil }
            if let preset {
                _ = presetScheme.read(preset, nil)
            } else if let given {
                _ = FieldKind<SchemeWord>.word.read(given, nil)
            } else {
                section.missing("scheme", FieldKind<SchemeWord>.word.expected)
            }
            return nil
        }
        var draft = SchemeDraft(word, base: base)
        return SchemeDraft.table(word).read(value, into: &draft) ? draft.scheme(base: base) : nil
    }
}

extension SchemeWord {
    fileprivate var example: String {
        switch self {
        case .header: "write { scheme: header, name: X-Token }"
        case .query: "write { scheme: query, name: token }"
        case .basic: "write { scheme: basic }, and user:password as the secret"
        case .jwt: "write { scheme: jwt, header: Authorization, body_digest_claim: sha256 }"
        default: "write { scheme: \(rawValue), signature: { header: X-Signature, encoding: hex } }"
        }
    }
}

/// Reports a source that nothing proves, or whose parts contradict each other. A webhook of an unverified source is let in
/// only where the configuration says so in so many words.
struct VerificationRules {
    private let provider: any Provider.Type
    private let section: Section

    static func check(_ source: SourceConfiguration, _ section: Section) {
        guard section.isRight("provider"), let provider = ProviderRegistry.provider(named: source.provider) else {
            return
        }
        let rules = VerificationRules(provider: provider, section: section)
        if source.isConnected, !["verification", "secrets", "path_token", "path_tokens"].contains(where: section.has) {
            // Nothing comes in but what the connector fetches.
        } else if !section.has("verification") {
            rules.checkOwn()
        } else if section.isRight("verification"), let scheme = source.verification {
            rules.checkNamed(scheme)
        } else {
            return
        }
        let hasSecrets = section["secrets"]?.elements?.isEmpty == false
        guard let scheme = source.verification ?? (hasSecrets ? provider.ownScheme : nil) else { return }
        rules.requireIDs(scheme)
        if scheme.signsURL, section.decoding.ingress.publicURL.isEmpty {
            section.report(
                section.has("verification") ? "verification" : "provider",
                "\(scheme.name) signs the URL that a webhook is sent to; say how providers reach the ingress: "
                    + "ingress: { public_url: \"https://gw.example.com\" }")
        }
    }

    private func checkOwn() {
        switch provider.signing {
        case .always:
            section.requireElements(
                "secrets",
                "at least one secret, because \(provider.name) signs; where it does not, name another verification")
        case .optional where section.has("secrets"):
            section.requireElements("secrets", "at least one secret, or no secrets at all")
        case .never where section.has("secrets"):
            section.report(
                "secrets",
                "\(provider.name) signs nothing, so it must be said where the secret travels: "
                    + "verification: { scheme: header, name: X-Token } or { scheme: query, name: token }; "
                    + "or write it as path_token")
        case .optional, .never:
            guard !hasTokens, !section.has("allow_addresses") else { return }
            let unsigned =
                if case .never = provider.signing { "signs nothing" } else { "signs only where secrets are named" }
            section.report(
                "",
                "nothing proves where its webhooks come from, because \(provider.name) \(unsigned); "
                    + "add path_token: \"env:NAME\" and put the token at the end of the URL, or allow_addresses, "
                    + "or a verification; or let everybody in with verification: none")
        }
    }

    private func checkNamed(_ scheme: VerificationScheme) {
        switch scheme.proof {
        case .none:
            if section.has("secrets") {
                section.report("secrets", "verification: none checks nothing with them; remove one of both")
            }
            if hasTokens {
                section.report(
                    "verification",
                    "none would let everybody in, but there is a path token; write verification: path-token")
            }
        case .token(.path):
            if !hasTokens {
                section.missing("path_token", "env:NAME or file:PATH, because of verification: path-token")
            }
            if section.has("secrets") {
                section.report(
                    "secrets", "verification: path-token takes its tokens from path_tokens; move them there")
            }
        case .signature, .jwt, .token:
            section.requireElements("secrets", "at least one secret for verification: \(scheme.name)")
        }
    }

    /// Where a request names its key, a secret without id could never be chosen.
    private func requireIDs(_ scheme: VerificationScheme) {
        let expected: String
        switch scheme.proof {
        case .signature(let signature):
            guard let field = signature.keyField else { return }
            expected = "what \(provider.name) sends in \(field), because it names the secret"
        case .jwt(let token):
            guard token.keyName != nil else { return }
            expected = "the API key, because the request names the secret by it"
        case .none, .token: return
        }
        for value in section["secrets"]?.elements ?? [] where value.isMapping && value["id"] == nil {
            section.decoding.report(line: value.line, "\(value.keyPath).id", "missing; expected \(expected)")
        }
    }

    private var hasTokens: Bool { section.has("path_token") || section.has("path_tokens") }
}

extension VerificationScheme {
    /// Whether the URL is part of what is signed.
    var signsURL: Bool {
        if case .signature(let signature) = proof { signature.content.contains(.url) } else { false }
    }
}

extension Provider {
    /// How the provider signs, where it does.
    static var ownScheme: VerificationScheme? {
        switch signing {
        case .always(let scheme), .optional(let scheme): scheme
        case .never: nil
        }
    }
}
