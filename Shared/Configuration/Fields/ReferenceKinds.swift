import Executable
import JSON
import Primitives

// Kinds of texts that name something: secrets, addresses, networks, fields.

extension SecretReference {
    /// In place of one that is not there; whoever sees it has ignored an error.
    static let nowhere = SecretReference(place: .literal(""), keyPath: "")
}

extension FieldKind where V == SecretReference {
    /// Where a secret is.
    static let secret: FieldKind = {
        let expected = "env:NAME, file:PATH or, on loopback, literal:TEXT"
        var kind = FieldKind(
            expected,
            schema: { _ in .string(pattern: "^(env:[A-Za-z_][A-Za-z0-9_]*|(file|literal):[\\s\\S]+)$") },
            read: { value, _ in
                value.text(expected).flatMap { SecretReference(text: $0, at: value, expected: expected) }
            },
            write: { reference, use in
                switch (use, reference.place) {
                case (.document, _): nil
                case (.comparison, .literal(let text)): .string("literal:\(text)")
                default: .string(reference.description)
                }
            })
        kind.secrets = { reference, stage, stages in stages.contains(stage) ? [reference] : [] }
        return kind
    }()
}

extension SecretReference {
    /// Nil after a report. What was written may be the secret itself, so it is not repeated.
    fileprivate init?(text: String, at value: Value, expected: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let rest = parts.count == 2 ? String(parts[1]) : ""
        guard !rest.isEmpty else {
            value.report("expected \(expected); a bare text is not a reference")
            return nil
        }
        switch parts[0] {
        case "env":
            guard ConfigurationName.isVariable(rest) else {
                value.report("expected the name of an environment variable after env:, found \"\(rest)\"")
                return nil
            }
            self.init(place: .env(rest), keyPath: value.keyPath)
        case "file":
            self.init(
                place: .file(ConfigurationPath.absolute(rest, in: value.decoding.folder)), keyPath: value.keyPath)
        case "literal": self.init(place: .literal(rest), keyPath: value.keyPath)
        default:
            value.report("expected \(expected)")
            return nil
        }
    }
}

extension FieldKind where V == ListenAddress {
    static let address = FieldKind.parsed(
        "an address such as 127.0.0.1:8080 or [::1]:8080",
        { text throws(WrongText) in
            guard let address = ListenAddress(text) else { throw .unexpected }
            return address
        }, write: \.description)
}

extension FieldKind where V == EndpointURL {
    static let url = url("a URL such as https://example.com/events") { _, _ in }

    /// `check` throws what is wrong with one.
    static func url(
        _ expected: String, as schemes: EndpointURL.Schemes = .http,
        _ check: @escaping @Sendable (EndpointURL, String) throws(InvalidURL) -> Void
    ) -> FieldKind {
        .parsed(
            expected, schema: .string(length: 1...2048),
            { text throws(WrongText) in
                do throws(InvalidURL) {
                    let url = try EndpointURL(text, as: schemes)
                    try check(url, text)
                    return url
                } catch {
                    throw .because(error.reason)
                }
            }, write: \.text)
    }
}

extension FieldKind where V == String {
    /// In CIDR notation.
    static let network = FieldKind.text("a network such as 127.0.0.0/8 or ::1/128") { text throws(WrongText) in
        guard text.contains("/"), IPNetwork(text, ignoringHostBits: true) != nil else { throw .unexpected }
    }

    /// A network in CIDR notation or an address.
    static let networkOrAddress: FieldKind = {
        let expected = "a network such as 203.0.113.0/24 or 2001:db8::/32, or one address"
        return FieldKind.text(expected) { text throws(WrongText) in
            if IPNetwork(text) == nil {
                throw .sentence("expected \(expected), without bits beyond the prefix, found \"\(text)\"")
            }
        }
    }()

    /// The lower-case name of a header field: a token of RFC 9110, section 5.6.2.
    static let fieldName = FieldKind.parsed(
        "the name of a header field, such as X-Signature", schema: .string(length: 1...255),
        { text throws(WrongText) in
            guard ConfigurationName.isField(text) else { throw .unexpected }
            return text.lowercased()
        }, write: { $0 })

    /// The name of a query parameter.
    static let parameter = FieldKind.text("the name of a query parameter, such as token") { text throws(WrongText) in
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"&=#?%+".utf8.contains($0) }) else {
            throw .unexpected
        }
    }
}

extension FieldKind where V == Int64 {
    /// Nanoseconds since 1970.
    static let time = FieldKind(
        "a time such as 2026-12-01T00:00:00Z", schema: { _ in .time() },
        read: { value, _ in
            guard let text = value.text("a time such as 2026-12-01T00:00:00Z") else { return nil }
            if let nanoseconds = RFC3339.nanoseconds(text) { return nanoseconds }
            value.refuse("a time such as 2026-12-01T00:00:00Z")
            return nil
        }, write: { nanoseconds, _ in .string(RFC3339.text(nanoseconds, digits: nanoseconds % 1000 == 0 ? 6 : 9)) })
}

/// Of what names may be made.
enum ConfigurationName {
    /// 1 to 63 characters of a-z, 0-9 and `-`.
    static func isName(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count)
            && text.utf8.allSatisfy { $0.isDigit || (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "-") }
    }

    /// A letter or `_`, then letters, digits and `_`.
    static func isVariable(_ text: String) -> Bool {
        text.utf8.enumerated().allSatisfy { index, byte in
            isLetter(byte) || byte == UInt8(ascii: "_") || (byte.isDigit && index > 0)
        }
    }

    /// A token of RFC 9110, section 5.6.2.
    static func isField(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 255
            && text.utf8.allSatisfy { $0.isDigit || isLetter($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
}
