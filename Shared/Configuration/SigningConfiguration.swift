/// How a subscriber can tell that a request is ours.
package struct SigningConfiguration: Sendable {
    package enum Scheme: String, Sendable, CaseIterable {
        case standardWebhooks = "standard-webhooks"
        case stream
        case header
        case none
    }

    package var scheme: Scheme
    /// With `standard-webhooks` each signs, so that a subscriber can change its secret in peace; elsewhere the first.
    package var secrets: [SecretReference]
    /// With `stream`: what goes into `X-API-KEY`.
    package var apiKey: String?
    /// With `header`: the lower-case name of the field, and what stands before the secret.
    package var header: String?
    package var prefix: String

    package init(
        scheme: Scheme = .standardWebhooks, secrets: [SecretReference] = [], apiKey: String? = nil,
        header: String? = nil, prefix: String = ""
    ) {
        self.scheme = scheme
        self.secrets = secrets
        self.apiKey = apiKey
        self.header = header
        self.prefix = prefix
    }

    package static let table = FieldTable<SigningConfiguration>(
        { SigningConfiguration() }, rules: [{ signing, section in check(signing, section) }],
        [
            Field(
                "scheme", \.scheme, .word, "How requests are signed.", required: FieldKind<Scheme>.word.expected,
                option: "signing"),
            Field(
                "secrets", \.secrets, secrets, "What signs, newest first; several of standard-webhooks all sign.",
                option: "secret"),
            Field(
                "api_key", optional: \.apiKey, .headerText, "With stream: what goes into X-API-KEY.",
                required: "what goes into X-API-KEY", only: OnlyWith("scheme", "stream"), option: "api-key"),
            Field(
                "header", optional: \.header, .settableField, "With header: the field that holds the secret.",
                only: OnlyWith("scheme", "header"), option: "header"),
            Field(
                "prefix", \.prefix, .headerText, "With header: what stands before the secret.",
                only: OnlyWith("scheme", "header"), option: "prefix"),
        ])

    /// Secrets are compared apart, because only that they changed can be said.
    static let kind: FieldKind<SigningConfiguration> = {
        var kind = FieldKind.object(table)
        kind.changes = { old, new, key, concern in
            func change(_ key: String) -> [ConfigurationChange] {
                [ConfigurationChange("\(key) changed", concern.stages, concern.effect)]
            }
            if table.write(old, .document) != table.write(new, .document) { return change(key) }
            let isSame = table.write(old, .comparison) == table.write(new, .comparison)
            return isSame ? [] : change("\(key.dropLast("signing".count))secrets")
        }
        return kind
    }()

    private static let secrets: FieldKind<[SecretReference]> = {
        let list = FieldKind.list(of: .secret, "secret references")
        var kind = FieldKind<[SecretReference]>(
            list.expected, schema: list.schema,
            read: { value, base in
                if value.decoding.isDocument {
                    value.report("secrets are no part of a subscription's document; they are kept apart from it")
                    return nil
                }
                return list.read(value, base)
            }, write: { secrets, use in use == .document || secrets.isEmpty ? nil : list.write(secrets, use) })
        kind.secrets = list.secrets
        kind.option = .list
        return kind
    }()

    private static func check(_ signing: SigningConfiguration, _ section: Section) {
        guard section.isRight("scheme"), !section.decoding.isDocument else { return }
        if signing.scheme != .none {
            section.requireElements("secrets", "at least one secret to sign with")
        } else if section["secrets"]?.elements?.isEmpty == false {
            section.report("secrets", "scheme: none signs nothing; remove the secrets or choose standard-webhooks")
        }
    }
}

extension FieldKind where V == String {
    /// What goes into a header field.
    fileprivate static let headerText = FieldKind.text("text", length: 0...1024) { text throws(WrongText) in
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            throw .sentence("expected printable ASCII characters, because it goes into a header field")
        }
    }

    /// The lower-case name of a field that a delivery may set.
    fileprivate static let settableField = FieldKind.parsed(
        "the name of a header field", schema: .string(length: 1...256),
        { text throws(WrongText) in
            let isToken = text.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "-_.".utf8.contains(byte)
            }
            guard isToken, !DeliveryFields.isReserved(text.lowercased()) else {
                throw .sentence("\"\(text)\" is no field that may be set; use a name such as X-Token")
            }
            return text.lowercased()
        }, write: { $0 })
}

/// Fields that a delivery sets by itself, that frame it, or that are between two hops (RFC 9110, section 7.6.1), and those
/// of other schemes.
enum DeliveryFields {
    /// Some servers take `_` for `-`.
    static func isReserved(_ name: String) -> Bool {
        let name = name.replacing("_", with: "-")
        return names.contains(name) || prefixes.contains { name.hasPrefix($0) }
    }

    private static let names: Set<String> = [
        "host", "user-agent", "date", "content-type", "content-length", "content-encoding", "content-range",
        "transfer-encoding", "traceparent", "connection", "keep-alive", "te", "trailer", "upgrade", "http2-settings",
        "expect", "accept-encoding", "range", "max-forwards", "via", "x-signature", "x-webhook-id",
        "x-webhook-attempt",
    ]
    private static let prefixes = ["webhook-", "ce-", "tributary-", "proxy-", "if-"]
}
