import Providers
import Yams

/// The kinds of scheme that a configuration can spell out.
enum SchemeWord: String, CaseIterable {
    case hmac, ed25519, jwt, header, query, basic
    case pathToken = "path-token"
    case none

    init(_ proof: VerificationScheme.Proof) {
        switch proof {
        case .none: self = .none
        case .signature(let signature):
            self = signature.signatures.allSatisfy { $0.algorithm == .ed25519 } ? .ed25519 : .hmac
        case .jwt: self = .jwt
        case .token(.field): self = .header
        case .token(.query): self = .query
        case .token(.path): self = .pathToken
        case .token(.basic): self = .basic
        }
    }

    /// The keys that mean something for this kind, beside `scheme`, `preset` and `label`.
    var keys: [String] {
        let signature = [
            "key", "signature", "content", "timestamp", "tolerance", "key_header", "id_header", "signs_inflated_body",
            "body_digest_query", "challenge",
        ]
        return switch self {
        case .hmac: ["digest"] + signature
        case .ed25519: signature
        case .jwt: ["header", "body_digest_claim", "leeway", "issuer_names_key"]
        case .header: ["name", "prefix"]
        case .query: ["name"]
        case .basic, .pathToken, .none: []
        }
    }
}

/// Verification schemes spelled out, whole or as a refinement of one that has a name:
///
/// ```yaml
/// verification: { preset: mux, tolerance: 10m }                  # all of mux but its tolerance
/// verification: { tolerance: 10m }                               # all of the provider's own but its tolerance
/// verification: { scheme: header, name: X-Token, prefix: "T " }  # the secret as a header field
/// verification: { scheme: query, name: token }                   # the secret as a query parameter
/// verification: { scheme: basic }                                # HTTP Basic; the secret is user:password
/// verification: { scheme: jwt, header: Authorization, body_digest_claim: sha256, leeway: 10s, issuer_names_key: true }
/// verification:
///   scheme: hmac                           # or ed25519
///   label: acme                            # the word in status and metrics
///   digest: sha256                         # sha1, sha256, sha512
///   key: text                              # text, base64, hex, standard-webhooks
///   signature: { header: Acme-Signature, encoding: hex, prefix: "v0=", list: { pairs: v1 } }
///                                          # or a list of such, each with an algorithm; or list: { versions: v1 }
///   content: "{timestamp}.{body}"          # {body} {timestamp} {url} {form} {header:NAME}; {{ is a brace
///   timestamp: { header: Acme-Signature, pair: t, unit: seconds }
///   tolerance: 5m                          # or none
///   key_header: X-Key-Id                   # the field that names the secret by its id
///   id_header: X-Webhook-Id                # the field that holds the webhook's id
///   signs_inflated_body: false             # true: signed before it was compressed
///   body_digest_query: bodySHA256          # a query parameter with the body's SHA-256
///   challenge: zoom
/// ```
extension ConfigurationDecoder {
    /// The scheme of a mapping, or nil after a report. `own`: that of the source's provider, which a mapping without
    /// `scheme` and `preset` refines.
    func spelledOutScheme(_ value: Value, own: VerificationScheme?) -> VerificationScheme? {
        let mapping = value.node.mapping
        let hasPreset = mapping?["preset"] != nil
        let hasScheme = mapping?["scheme"] != nil
        var kind = mapping?["scheme"]?.scalar.flatMap { SchemeWord(rawValue: $0.string) }
        var base = hasScheme ? nil : own
        if let word = mapping?["preset"]?.scalar?.string { base = SchemePresets.scheme(named: word) }
        if kind == nil, let base { kind = SchemeWord(base.proof) }
        let known = kind.map(\.keys) ?? Set(SchemeWord.allCases.flatMap(\.keys)).sorted()
        guard let part = Section(value, keys: ["scheme", "preset", "label"] + known, problems: problems) else {
            return nil
        }
        if let preset = part.optional("preset") {
            if hasScheme { problems.report(preset, "names the scheme already; remove scheme or preset") }
            guard self.preset(preset, part) != nil else { return nil }
        }
        if hasScheme {
            _ = part.choice(part.optional("scheme"), SchemeWord.self, default: .none)
        } else if !hasPreset, own == nil {
            _ = part.required(
                "scheme", expected: "one of \(SchemeWord.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        guard let kind, let proof = proof(kind, part, base: base?.proof) else { return nil }
        return VerificationScheme(label(part) ?? base?.name ?? kind.rawValue, proof)
    }

    private func proof(
        _ kind: SchemeWord, _ part: Section, base: VerificationScheme.Proof?
    ) -> VerificationScheme.Proof? {
        switch kind {
        case .none: return VerificationScheme.Proof.none
        case .pathToken: return .token(.path)
        case .basic: return .token(.basic)
        case .hmac, .ed25519:
            var known: SignatureScheme?
            if case .signature(let scheme) = base { known = scheme }
            return signatureScheme(part, isEd25519: kind == .ed25519, base: known).map { .signature($0) }
        case .jwt:
            var known: JWTScheme?
            if case .jwt(let scheme) = base { known = scheme }
            return .jwt(tokenScheme(part, base: known))
        case .header:
            var known: (String, String)?
            if case .token(.field(let field, let prefix)) = base { known = (field, prefix) }
            let field = fieldName(part.optional("name"), part) ?? known?.0
            if field == nil, part.optional("name") == nil {
                _ = part.required("name", expected: "the header field that holds the secret")
            }
            let prefix = part.text(part.optional("prefix"), expected: "what stands before the secret")
            return field.map { .token(.field($0, prefix: prefix ?? known?.1 ?? "")) }
        case .query:
            var known: String?
            if case .token(.query(let name)) = base { known = name }
            let name = parameter(part, "name") ?? known
            if name == nil, part.optional("name") == nil {
                _ = part.required("name", expected: "the query parameter that holds the secret")
            }
            return name.map { .token(.query($0)) }
        }
    }

    private func tokenScheme(_ part: Section, base: JWTScheme?) -> JWTScheme {
        let leeway = part.duration(
            "leeway", default: .seconds(base?.leewaySeconds ?? 10), in: Duration.zero...Duration.seconds(3600))
        let claim = part.text(part.optional("body_digest_claim"), expected: "the claim that holds the body's SHA-256")
        return JWTScheme(
            field: fieldName(part.optional("header"), part) ?? base?.field ?? "authorization",
            bodyDigestClaim: claim ?? base?.bodyDigestClaim ?? "sha256",
            leewaySeconds: Int(leeway.components.seconds),
            issuerNamesKey: part.boolean("issuer_names_key", default: base?.issuerNamesKey ?? false))
    }

    private func label(_ part: Section) -> String? {
        let expected = "a word of 1 to 63 characters a-z, 0-9 and -"
        guard let value = part.optional("label"), let text = part.text(value, expected: expected) else { return nil }
        if Self.isName(text) { return text }
        problems.report(value, "expected \(expected), found \"\(text)\"")
        return nil
    }

    /// A lower-case field name, or nil after a report or where the key is left out.
    func fieldName(_ value: Value?, _ part: Section) -> String? {
        let expected = "the name of a header field, such as X-Signature"
        guard let value, let text = part.text(value, expected: expected) else { return nil }
        if Self.isFieldName(text) { return text.lowercased() }
        problems.report(value, "expected \(expected), found \"\(text)\"")
        return nil
    }

    /// The name of a query parameter, or nil after a report or where the key is left out.
    func parameter(_ part: Section, _ key: String) -> String? {
        let expected = "the name of a query parameter, such as token"
        guard let value = part.optional(key), let text = part.text(value, expected: expected) else { return nil }
        if text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"&=#?%+".utf8.contains($0) }) { return text }
        problems.report(value, "expected \(expected), found \"\(text)\"")
        return nil
    }

    /// A token of RFC 9110, section 5.6.2.
    static func isFieldName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 255
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
