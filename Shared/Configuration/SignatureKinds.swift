import JSON
import Primitives
import VerificationSchemes

// What the keys of a signature scheme hold.

enum SignatureDigest: String, CaseIterable {
    case sha1, sha256, sha512

    var algorithm: SignatureField.Algorithm {
        switch self {
        case .sha1: .hmacSHA1
        case .sha256: .hmacSHA256
        case .sha512: .hmacSHA512
        }
    }
}

enum SignatureTolerance: Equatable {
    case none
    case seconds(Int)

    var seconds: Int? { if case .seconds(let seconds) = self { seconds } else { nil } }
}

/// Where a signature is, as it is written.
struct SignatureFieldDraft {
    private var header = ""
    private var algorithm: SignatureField.Algorithm?
    private var encoding = SignatureField.Encoding.hex
    private var prefix = ""
    private var list: ListDraft?

    private init() {}

    init(_ field: SignatureField) {
        (header, algorithm, encoding, prefix) = (field.field, field.algorithm, field.encoding, field.prefix)
        switch field.list {
        case .single: break
        case .pairs(let key): list = ListDraft(pairs: key)
        case .versions(let version): list = ListDraft(versions: version)
        }
    }

    func field(_ algorithm: SignatureField.Algorithm) -> SignatureField {
        let list = list.flatMap { list in
            list.pairs.map { SignatureField.List.pairs(key: $0) }
                ?? list.versions.map { SignatureField.List.versions($0) }
        }
        return SignatureField(
            self.algorithm ?? algorithm, field: header, encoding, prefix: prefix, list: list ?? .single)
    }

    /// One mapping, or a list of them.
    static let list: FieldKind<[SignatureFieldDraft]> = {
        let one = FieldKind.object(table)
        let several = FieldKind.list(of: one, "signatures", least: 1)
        return FieldKind(
            "\(one.expected), or a list of such", schema: { .anyOf([one.schema($0), several.schema($0)]) },
            read: { value, _ in
                guard value.elements != nil else { return one.read(value, nil).map { [$0] } }
                if value.elements?.isEmpty == true {
                    value.report("expected at least one signature, found an empty list")
                }
                return several.read(value, nil)
            }, write: several.write
        ).with(\.pages, several.pages)
    }()

    private static let table = FieldTable<SignatureFieldDraft>(
        { SignatureFieldDraft() },
        [
            Field(
                "header", \.header, .fieldName, "The field that holds it.",
                required: "the header field that holds the signature"),
            Field("algorithm", optional: \.algorithm, .word, "In place of the scheme's."),
            Field("encoding", \.encoding, .word, "How it is written."),
            Field(
                "prefix", \.prefix, .text("what stands before the signature, such as sha256="),
                "What stands before it."),
            Field(
                "list", optional: \.list, .object(ListDraft.table),
                "How a field holds several: { pairs: KEY } for t=1,v1=…, { versions: VERSION } for v1,… v1,…."),
        ])

    private struct ListDraft {
        var pairs: String?
        var versions: String?

        static let table = FieldTable<ListDraft>(
            { ListDraft() },
            rules: [
                { list, section in
                    if section.has("pairs") == section.has("versions") {
                        section.report(
                            "", "expected { pairs: KEY } for t=1,v1=…, or { versions: VERSION } for v1,… v1,…")
                    }
                }
            ],
            [
                Field("pairs", optional: \.pairs, .text("the key of the signature, such as v1"), "Its key."),
                Field(
                    "versions", optional: \.versions, .text("the version of the signature, such as v1"), "Its version."),
            ])
    }
}

extension TimestampField {
    static let table = FieldTable<TimestampField>(
        { TimestampField(field: "") },
        [
            Field(
                "header", \.field, .fieldName, "The field that holds it.",
                required: "the header field that holds the time"),
            Field("pair", optional: \.pairKey, .text("the key of the time, such as t"), "Its key in a field of pairs."),
            Field("unit", \.unit, .word, "Since 1970, in which unit."),
        ])
}

extension FieldKind where V == SignatureTolerance {
    /// A duration, or `none`.
    static let tolerance: FieldKind = {
        let duration = FieldKind<Duration>.duration(.seconds(1) ... .seconds(30 * 86_400))
        return FieldKind(
            "\(duration.expected), or none", schema: { .anyOf([.string(oneOf: ["none"]), duration.schema($0)]) },
            read: { value, _ in
                if value.scalar == "none" { return SignatureTolerance.none }
                return duration.read(value, nil).map { .seconds(Int($0.components.seconds)) }
            },
            write: { tolerance, use in
                tolerance.seconds.map { duration.write(.seconds($0), use) } ?? .string("none")
            })
    }()
}

extension FieldKind where V == Challenge {
    static let challenge = FieldKind.parsed(
        "zoom", schema: .string(oneOf: ["zoom"]),
        { text throws(WrongText) in
            guard let challenge = Challenge(rawValue: text) else { throw .unexpected }
            return challenge
        }, write: \.rawValue)
}

extension FieldKind where V == [ContentPart] {
    /// Text in which braces name parts of the request; doubled they are themselves.
    static let template = FieldKind.parsed(
        "what is signed, such as \"{timestamp}.{body}\"", { text throws(WrongText) in try parts(text) },
        write: { parts in
            parts.map { part in
                switch part {
                case .literal(let text): text.replacing("{", with: "{{").replacing("}", with: "}}")
                case .body: "{body}"
                case .timestamp: "{timestamp}"
                case .url: "{url}"
                case .form: "{form}"
                case .field(let name): "{header:\(name)}"
                }
            }.joined()
        })

    private static func parts(_ text: String) throws(WrongText) -> [ContentPart] {
        var parts: [ContentPart] = []
        var literal = ""
        var rest = Substring(text)
        while let character = rest.popFirst() {
            guard character == "{" || character == "}" else {
                literal.append(character)
                continue
            }
            if rest.first == character {
                rest.removeFirst()
                literal.append(character)
                continue
            }
            guard character == "{", let end = rest.firstIndex(of: "}") else {
                throw .sentence("a brace without its counterpart; write {{ or }} for a brace itself")
            }
            if !literal.isEmpty { parts.append(.literal(literal)) }
            literal = ""
            parts.append(try part(String(rest[..<end])))
            rest = rest[rest.index(after: end)...]
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        return parts
    }

    private static func part(_ name: String) throws(WrongText) -> ContentPart {
        switch name {
        case "body": return .body
        case "timestamp": return .timestamp
        case "url": return .url
        case "form": return .form
        default:
            let field = name.dropFirst("header:".count)
            if name.hasPrefix("header:"), ConfigurationName.isField(String(field)) { return .field(field.lowercased()) }
            let names = ["body", "timestamp", "url", "form", "header:NAME"]
            throw .sentence("unknown part {\(name)}; \(Suggestion.hint(for: name, among: names))")
        }
    }
}
