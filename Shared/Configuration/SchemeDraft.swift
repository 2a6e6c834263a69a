import JSON
import Primitives
import VerificationSchemes

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
}

/// A verification scheme as it is spelled out, whole or as a refinement of one that has a name:
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
struct SchemeDraft {
    let word: SchemeWord
    private var given: SchemeWord?
    private var preset: VerificationScheme?
    private var label: String?
    private var signature = SignatureScheme([], keyForm: .text)
    private var digest: SignatureDigest?
    private var signatures: [SignatureFieldDraft]?
    private var tolerance: SignatureTolerance?
    private var jwt = JWTScheme(
        field: "authorization", bodyDigestClaim: "sha256", leewaySeconds: 10, issuerNamesKey: false)
    private var field: String?
    private var prefix = ""
    private var parameter: String?

    /// A draft that says what `base` says.
    init(_ word: SchemeWord, base: VerificationScheme?) {
        self.word = word
        signature.keyForm = word == .ed25519 ? .base64 : .text
        switch base?.proof {
        case .signature(let scheme):
            signature = scheme
            tolerance = scheme.toleranceSeconds.map { .seconds($0) } ?? SignatureTolerance.none
        case .jwt(let scheme): jwt = scheme
        case .token(.field(let name, let prefix)): (field, self.prefix) = (name, prefix)
        case .token(.query(let name)): parameter = name
        case .token, .none?, nil: break
        }
    }

    /// One that is written in so many words, with nothing of a preset.
    init(_ scheme: VerificationScheme) {
        self.init(SchemeWord(scheme.proof), base: scheme)
        given = word
        label = scheme.name == word.rawValue ? nil : scheme.name
        signatures = signature.signatures.map { SignatureFieldDraft($0) }
        if signature.timestamp == nil { tolerance = nil }
    }

    var proof: VerificationScheme.Proof {
        switch word {
        case .none: .none
        case .pathToken: .token(.path)
        case .basic: .token(.basic)
        case .hmac, .ed25519: .signature(signatureScheme)
        case .jwt: .jwt(jwt)
        case .header: .token(.field(field ?? "", prefix: prefix))
        case .query: .token(.query(parameter ?? ""))
        }
    }

    func scheme(base: VerificationScheme?) -> VerificationScheme {
        VerificationScheme(label ?? base?.name ?? word.rawValue, proof)
    }

    private var signatureScheme: SignatureScheme {
        var scheme = signature
        let algorithm = word == .ed25519 ? SignatureField.Algorithm.ed25519 : digest?.algorithm
        if let signatures {
            scheme.signatures = signatures.map { $0.field(algorithm ?? .hmacSHA256) }
        } else if let algorithm {
            for place in scheme.signatures.indices where scheme.signatures[place].algorithm != .ed25519 {
                scheme.signatures[place].algorithm = algorithm
            }
        }
        // Five minutes where a time is signed and nothing else is said.
        scheme.toleranceSeconds =
            (tolerance ?? (scheme.timestamp == nil ? SignatureTolerance.none : .seconds(300))).seconds
        return scheme
    }

    // MARK: Its keys

    static func table(_ word: SchemeWord) -> FieldTable<SchemeDraft> {
        FieldTable(
            { SchemeDraft(word, base: nil) },
            rules: [
                { draft, section in
                    if section.has("scheme"), section.has("preset") {
                        section.report("preset", "names the scheme already; remove scheme or preset")
                    }
                    draft.check(section)
                }
            ], everyKind([word]) + rows(word))
    }

    /// Every key of every kind, for one that names none.
    static let allKeys =
        everyKind(SchemeWord.allCases).map(\.key) + Set(SchemeWord.allCases.flatMap { rows($0).map(\.key) }).sorted()

    private static func everyKind(_ words: [SchemeWord]) -> [Field<SchemeDraft>] {
        var scheme = FieldKind<SchemeWord>.word
        scheme.schema = { _ in .string(oneOf: words.map(\.rawValue)) }
        return [
            Field("scheme", optional: \.given, scheme, "The kind of scheme."),
            Field(
                "preset", optional: \.preset, .presetScheme,
                "The scheme that it refines, in place of the provider's own."),
            Field(
                "label", optional: \.label, .name("a word of 1 to 63 characters a-z, 0-9 and -"),
                "The word in status and metrics."),
        ]
    }

    private static func rows(_ word: SchemeWord) -> [Field<SchemeDraft>] {
        switch word {
        case .hmac: [digest] + signed
        case .ed25519: signed
        case .jwt: token
        case .header:
            [
                Field("name", optional: \.field, .fieldName, "The header field that holds the secret."),
                Field("prefix", \.prefix, .text("what stands before the secret"), "What stands before the secret."),
            ]
        case .query: [Field("name", optional: \.parameter, .parameter, "The query parameter that holds the secret.")]
        case .basic, .pathToken, .none: []
        }
    }

    private static let digest = Field<SchemeDraft>("digest", optional: \.digest, .word, "The digest of the HMAC.")

    private static let signed: [Field<SchemeDraft>] = [
        Field("key", \.signature.keyForm, .word, "How secrets are written."),
        Field(
            "signature", optional: \.signatures, SignatureFieldDraft.list,
            "Where the signature is, or a list of such places, each with an algorithm."),
        Field(
            "content", \.signature.content, .template,
            "What is signed, of {body} {timestamp} {url} {form} {header:NAME}; {{ is a brace."),
        Field(
            "timestamp", optional: \.signature.timestamp, .object(TimestampField.table), "Where the signed time is."),
        Field(
            "tolerance", optional: \.tolerance, .tolerance,
            "How far the signed time may lie from when a webhook came in; 5m, or none."),
        Field("key_header", optional: \.signature.keyField, .fieldName, "The field that names the secret by its id."),
        Field("id_header", optional: \.signature.idField, .fieldName, "The field that holds the webhook's id."),
        Field(
            "signs_inflated_body", \.signature.signsInflatedBody, .boolean,
            "Whether a compressed body was signed before it was compressed."),
        Field(
            "body_digest_query", optional: \.signature.bodyDigestParameter, .parameter,
            "A query parameter with the body's SHA-256."),
        Field("challenge", optional: \.signature.challenge, .challenge, "How a challenge is answered."),
    ]

    private static let token: [Field<SchemeDraft>] = [
        Field("header", \.jwt.field, .fieldName, "The field that holds the token."),
        Field(
            "body_digest_claim", optional: \.jwt.bodyDigestClaim, .text("the claim that holds the body's SHA-256"),
            "The claim that holds the body's SHA-256."),
        Field(
            "leeway", \.jwt.leeway, .duration(.zero ... .seconds(3600)), "By how much the times may be missed."),
        Field("issuer_names_key", \.jwt.issuerNamesKey, .boolean, "Whether the issuer names the secret by its id."),
    ]

    // MARK: Rules

    private func check(_ section: Section) {
        switch word {
        case .hmac, .ed25519: checkSigned(section)
        case .header where field == nil && !section.has("name"):
            section.missing("name", "the header field that holds the secret")
        case .query where parameter == nil && !section.has("name"):
            section.missing("name", "the query parameter that holds the secret")
        default: break
        }
    }

    /// Reports what would let somebody change a signed request.
    private func checkSigned(_ section: Section) {
        let scheme = signatureScheme
        if scheme.signatures.isEmpty, !section.has("signature") {
            section.missing("signature", "where the signature is, such as { header: X-Signature, encoding: hex }")
        }
        if section.isRight("tolerance"), tolerance != SignatureTolerance.none, scheme.timestamp == nil {
            section.report("tolerance", "a tolerance needs a signed time; say where it is: timestamp: { header: … }")
        }
        let content = scheme.content
        guard !section.has("content") || section.isRight("content") else { return }
        if !content.contains(.body), !content.contains(.form), scheme.bodyDigestParameter == nil {
            section.report("content", "does not hold {body}, so anybody could change the body; add it")
        }
        if content.contains(.timestamp), scheme.timestamp == nil {
            section.report("content", "{timestamp} needs timestamp: { header: … }, which says where it is")
        }
        if let timestamp = scheme.timestamp, !content.contains(.timestamp), !content.contains(.field(timestamp.field)) {
            section.report("content", "does not hold {timestamp}, so anybody could change the time; add it")
        }
    }
}

extension JWTScheme {
    fileprivate var leeway: Duration {
        get { .seconds(leewaySeconds) }
        set { leewaySeconds = Int(newValue.components.seconds) }
    }
}
