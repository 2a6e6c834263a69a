import JSON
import Primitives

/// Somebody who may use the control API.
package struct APITokenConfiguration: Sendable {
    /// What is known of the token.
    package enum Secret: Sendable {
        case reference(SecretReference)
        /// The SHA-256 of the token, 32 bytes.
        case sha256([UInt8])
    }

    /// For the log and for metrics; unique.
    package var name = ""
    /// Out of `read`, `write` and `replay`; never empty.
    package var scopes = Set(APITokenConfiguration.allScopes)
    package var secret = Secret.reference(.nowhere)

    /// Where the token is to be found; nil where only its hash is known.
    package var reference: SecretReference? {
        get { if case .reference(let reference) = secret { reference } else { nil } }
        set { if let newValue { secret = .reference(newValue) } }
    }

    private var sha256: [UInt8]? {
        get { if case .sha256(let digest) = secret { digest } else { nil } }
        set { if let newValue { secret = .sha256(newValue) } }
    }

    /// Every scope there is.
    package static let allScopes = ["read", "write", "replay"]

    /// Of what a bearer token may be made: RFC 6750 section 2.1.
    package static func isTokenByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || "-._~+/=".utf8.contains(byte)
    }

    /// References, or mappings that say more.
    static let list: FieldKind<[APITokenConfiguration]> = {
        let tokens = FieldKind.list(of: one, "tokens")
        var kind = FieldKind<[APITokenConfiguration]>(
            tokens.expected, schema: tokens.schema,
            read: { value, base in
                guard let elements = value.elements else { return tokens.read(value, base) }
                var taken: Set<String> = []
                return elements.enumerated().compactMap { index, element in
                    let base = APITokenConfiguration(name: "token-\(index + 1)")
                    guard let token = one.read(element, base) else { return nil }
                    if !taken.insert(token.name).inserted {
                        element.report("the token \"\(token.name)\" is already defined; names are unique")
                    }
                    return token
                }
            }, write: tokens.write)
        (kind.secrets, kind.pages) = (tokens.secrets, tokens.pages)
        return kind
    }()

    private static let one = FieldKind.either(
        scalar: FieldKind.secret.inName, otherwise: .object(table), isScalar: { _ in false })

    private static let table = FieldTable<APITokenConfiguration>(
        { APITokenConfiguration() }, rules: [{ _, section in checkSecret(section) }],
        [
            Field("name", \.name, .name(), "For the log and for metrics."),
            Field("scopes", \.scopes, scopes, "What it may do; all of them where it is left out."),
            Field("value", optional: \.reference, .secret, "The token."),
            Field(
                "sha256", optional: \.sha256, hash,
                "The token's SHA-256, in place of a value that nobody needs to keep."),
        ])

    private static func checkSecret(_ section: Section) {
        if section.has("sha256"), section.has("value") {
            section.report("sha256", "value is there too; keep one of both")
        } else if !section.has("sha256"), !section.has("value") {
            section.missing("value", "env:NAME or file:PATH, or sha256 with the token's hash")
        }
    }

    private static let hash = FieldKind<[UInt8]>.parsed(
        "the SHA-256 of the token", schema: .string(pattern: "^[0-9a-fA-F]{64}$"),
        { text throws(WrongText) in
            guard text.utf8.count == 64, let bytes = Hexadecimal.decode(Array(text.utf8)) else {
                throw .sentence("expected 64 hexadecimal digits; `printf %s \"$TOKEN\" | sha256sum` prints them")
            }
            return bytes
        }, write: { digest in digest.withUnsafeBytes { Hexadecimal.encode($0) } })

    private static let scopes: FieldKind<Set<String>> = {
        let valid = allScopes.joined(separator: ", ")
        let word = FieldKind.text("one of \(valid)") { text throws(WrongText) in
            if !allScopes.contains(text) {
                throw .sentence("unknown scope \"\(text)\"; \(Suggestion.hint(for: text, among: allScopes))")
            }
        }
        let words = FieldKind.list(of: word, "scopes", least: 1)
        return FieldKind(
            words.expected,
            schema: { _ in .array(of: .string(oneOf: allScopes), least: 1) },
            read: { value, _ in
                guard let scopes = words.read(value, nil) else { return nil }
                if value.elements?.isEmpty == true {
                    value.report("a token without a scope can do nothing; valid are: \(valid)")
                }
                return Set(scopes)
            }, write: { scopes, _ in .array(allScopes.filter(scopes.contains).map { .string($0) }) })
    }()
}

extension FieldKind where V == SecretReference {
    /// A token that is nothing but a reference; it keeps the name that it has.
    fileprivate var inName: FieldKind<APITokenConfiguration> {
        FieldKind<APITokenConfiguration>(
            expected, schema: schema,
            read: { value, base in
                guard let reference = read(value, nil) else { return nil }
                var token = base ?? APITokenConfiguration()
                token.reference = reference
                return token
            }, write: { _, _ in nil })
    }
}
