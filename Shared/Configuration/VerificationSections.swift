import Providers
import Yams

/// What a source says under `verification`.
enum VerificationChoice {
    /// Nothing: the provider's own.
    case own
    case named(VerificationScheme, at: Value)
    /// Something that was reported.
    case wrong

    var scheme: VerificationScheme? {
        if case .named(let scheme, _) = self { scheme } else { nil }
    }
}

extension ConfigurationDecoder {
    /// A word such as `mux`, `path-token` or `none`, or a scheme spelled out.
    func verificationChoice(_ section: Section, provider: (any Provider.Type)?) -> VerificationChoice {
        guard let value = section.optional("verification") else { return .own }
        let reported = problems.errors.count
        let scheme: VerificationScheme?
        if case .scalar = value.node {
            scheme = preset(value, section)
        } else {
            scheme = spelledOutScheme(value, own: provider?.ownScheme)
        }
        guard let scheme, problems.errors.count == reported else { return .wrong }
        return .named(scheme, at: value)
    }

    /// The scheme of a word, or nil after a report.
    func preset(_ value: Value, _ section: Section) -> VerificationScheme? {
        let words = SchemePresets.names
        let expected = "one of \(words.joined(separator: ", ")), or a mapping with scheme"
        guard let word = section.text(value, expected: expected) else { return nil }
        if let scheme = SchemePresets.scheme(named: word) { return scheme }
        if SchemeWord(rawValue: word) != nil {
            problems.report(value, "\(word) needs more than its name; \(Self.examples(of: word))")
        } else {
            problems.report(value, "unknown verification \"\(word)\"; \(Suggestion.hint(for: word, among: words))")
        }
        return nil
    }

    private static func examples(of word: String) -> String {
        switch SchemeWord(rawValue: word) {
        case .header: "write { scheme: header, name: X-Token }"
        case .query: "write { scheme: query, name: token }"
        case .basic: "write { scheme: basic }, and user:password as the secret"
        case .jwt: "write { scheme: jwt, header: Authorization, body_digest_claim: sha256 }"
        default: "write { scheme: \(word), signature: { header: X-Signature, encoding: hex } }"
        }
    }

    /// Reports a source that nothing proves, or whose parts contradict each other. A webhook of an unverified source is
    /// let in only where the configuration says so in so many words.
    func checkVerification(
        _ section: Section, _ provider: any Provider.Type, _ choice: VerificationChoice, publicURL: String
    ) {
        switch choice {
        case .wrong: return
        case .own: checkOwn(section, provider)
        case .named(let scheme, let value): checkNamed(section, scheme, value)
        }
        let hasSecrets = !section.list("secrets", of: "secrets").isEmpty
        guard let scheme = choice.scheme ?? (hasSecrets ? provider.ownScheme : nil) else { return }
        requireIDs(section, provider, scheme)
        if scheme.signsURL, publicURL.isEmpty {
            problems.report(
                section.optional("verification") ?? section.optional("provider") ?? section.value,
                "\(scheme.name) signs the URL that a webhook is sent to; say how providers reach the ingress: "
                    + "ingress: { public_url: \"https://gw.example.com\" }")
        }
    }

    private func checkOwn(_ section: Section, _ provider: any Provider.Type) {
        let secrets = section.optional("secrets")
        switch provider.signing {
        case .always:
            section.requireElements(
                "secrets",
                expected: "at least one secret, because \(provider.name) signs; "
                    + "where it does not, name another verification")
        case .optional where secrets != nil:
            section.requireElements("secrets", expected: "at least one secret, or no secrets at all")
        case .never where secrets != nil:
            problems.report(
                secrets ?? section.value,
                "\(provider.name) signs nothing, so it must be said where the secret travels: "
                    + "verification: { scheme: header, name: X-Token } or { scheme: query, name: token }; "
                    + "or write it as path_token")
        case .optional, .never:
            guard !hasTokens(section), section.optional("allow_addresses") == nil else { return }
            let unsigned =
                if case .never = provider.signing { "signs nothing" } else { "signs only where secrets are named" }
            problems.report(
                section.value,
                "nothing proves where its webhooks come from, because \(provider.name) \(unsigned); "
                    + "add path_token: \"env:NAME\" and put the token at the end of the URL, or allow_addresses, "
                    + "or a verification; or let everybody in with verification: none")
        }
    }

    private func checkNamed(_ section: Section, _ scheme: VerificationScheme, _ value: Value) {
        let secrets = section.optional("secrets")
        switch scheme.proof {
        case .none:
            if let secrets {
                problems.report(secrets, "verification: none checks nothing with them; remove one of both")
            }
            if hasTokens(section) {
                problems.report(
                    value, "none would let everybody in, but there is a path token; write verification: path-token")
            }
        case .token(.path):
            if !hasTokens(section) {
                _ = section.required(
                    "path_token", expected: "env:NAME or file:PATH, because of verification: path-token")
            }
            if let secrets {
                problems.report(secrets, "verification: path-token takes its tokens from path_tokens; move them there")
            }
        case .signature, .jwt, .token:
            section.requireElements("secrets", expected: "at least one secret for verification: \(scheme.name)")
        }
    }

    /// Where a request names its key, a secret without id could never be chosen.
    private func requireIDs(_ section: Section, _ provider: any Provider.Type, _ scheme: VerificationScheme) {
        let expected: String
        switch scheme.proof {
        case .signature(let signature):
            guard let field = signature.keyField else { return }
            expected = "what \(provider.name) sends in \(field), because it names the secret"
        case .jwt(let token):
            guard token.issuerNamesKey else { return }
            expected = "the API key, because the token names the secret by it"
        case .none, .token: return
        }
        for value in section.list("secrets", of: "secrets") {
            guard let mapping = value.node.mapping, mapping["id"] == nil else { continue }
            problems.report(line: value.node.mark?.line ?? 0, "\(value.keyPath).id", "missing; expected \(expected)")
        }
    }

    private func hasTokens(_ section: Section) -> Bool {
        section.optional("path_token") != nil || section.optional("path_tokens") != nil
    }
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
