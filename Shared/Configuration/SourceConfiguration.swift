import Executable
package import Providers
package import VerificationSchemes

/// One place that webhooks come from: a path of the ingress, a provider, what authenticates it, and how its events are
/// mapped where the provider leaves a choice.
package struct SourceConfiguration: Sendable {
    /// 1 to 63 characters of a-z, 0-9 and `-`; part of the path and the `source` of its events.
    package var name = ""
    /// One of `ProviderRegistry.names`.
    package var provider = ""
    /// All are tried at once, so that a secret can be changed without refusing one good webhook.
    package var secrets: [ConfiguredSecret] = []
    /// What the last part of the path may be; empty: whatever it is.
    package var pathTokens: [ConfiguredSecret] { pathToken.map { [$0] + severalPathTokens } ?? severalPathTokens }
    private var pathToken: ConfiguredSecret?
    private var severalPathTokens: [ConfiguredSecret] = []
    /// The verification that the configuration names; nil: the provider's own.
    package var verification: VerificationScheme?
    /// Networks and addresses that requests may come from; empty: from anywhere.
    package var addresses: [String] = []
    package var mapping = MappingOptions()
    /// Which router gets its events; nil: the one that its name falls to.
    fileprivate(set) var router: Int?
    /// What may come in for it; nil: as much as for any source.
    package var quota: QuotaConfiguration?
    private var ownAnswer: SuccessAnswer?
    /// What its provider takes as success; nil: 202 with the webhook's id.
    package var answer: SuccessAnswer? { ownAnswer ?? ProviderRegistry.provider(named: provider)?.answer }

    /// Whether a connector fetches webhooks of it.
    package var isConnected = false
    private var ownMaxBodyBytes: Int?
    /// Most of a body; nil: as much as the ingress takes.
    package var maxBodyBytes: Int? {
        ownMaxBodyBytes ?? ProviderRegistry.provider(named: provider)?.endpoint?.maxBodyBytes
    }

    private static let all = [Stage.ingressGateway, .verifier, .normaliser]

    static let table = FieldTable<SourceConfiguration>(
        SourceConfiguration.init,
        rules: [
            { source, section in source.isConnected = section.decoding.connected.contains(source.name) },
            { source, section in checkMapping(source, section) },
            { source, section in
                if section.has("path_token"), section.has("path_tokens") {
                    section.report(
                        "path_token", "path_tokens is there too; write all tokens there: path_tokens: [{ value: … }]")
                }
                if section.has("path_tokens") { section.requireElements("path_tokens", "at least one token") }
                guard ProviderRegistry.provider(named: source.provider)?.endpoint != nil else { return }
                for key in ["path_token", "path_tokens"] where section.has(key) {
                    section.report(
                        key,
                        "clients of \(source.provider) call a path of their own behind the source, which has no "
                            + "room for a token; remove it")
                }
            },
            { source, section in VerificationRules.check(source, section) },
        ],
        [
            Field(
                "name", \.name, .name(unique: "source"), "Part of the path, and the source of its events.",
                required: FieldKind.name().expected),
            Field(
                "provider", \.provider, .provider, "Whose webhooks they are.",
                required: FieldKind<String>.provider.expected, stages: all),
            Field(
                "secrets", \.secrets, ConfiguredSecret.list("secrets"), "All are tried, so that one can be changed.",
                stages: [.verifier]),
            Field(
                "path_token", optional: \.pathToken, ConfiguredSecret.alone, "The last part of the path.",
                stages: [.verifier]),
            Field(
                "path_tokens", \.severalPathTokens, ConfiguredSecret.list("tokens"),
                "Several for the last part of the path, for rotation.", stages: [.verifier]),
            Field(
                "verification", optional: \.verification, .verification,
                "What proves where its webhooks come from, where that is not the provider's own; `none` lets everybody in.",
                stages: [.verifier], base: { ProviderRegistry.provider(named: $0.provider)?.ownScheme }),
            Field(
                "router", optional: \.router, .integer(0...15),
                "Which of several routers gets its events; without it, the one that its name falls to.",
                stages: [.ingressGateway, .ingressConnector], effect: .pipeline),
            Field(
                "allow_addresses", \.addresses, .list(of: .networkOrAddress, "addresses"),
                "Networks and addresses that requests may come from.", stages: [.verifier]),
            Field(
                "mapping", optional: \.mapping.pointers, .object(PointerMapping.table),
                "With generic and presets: where the parts of an event are.", stages: [.normaliser]),
            Field(
                "ids", optional: \.ids, .word, "Of elements without an id of the provider's.", stages: [.normaliser]),
            Field(
                "quota", optional: \.quota, .quota.inheriting { $0.ingress.quotas.perSource },
                "What may come in for it, in place of ingress.quotas.per_source.", stages: [.ingressGateway]),
            Field(
                "max_body_bytes", optional: \.ownMaxBodyBytes, .integer(1...(64 << 20)),
                "Most of a body, where that is less than ingress.max_body_bytes; with stream-calls 5120.",
                stages: [.ingressGateway]),
            Field(
                "answer", optional: \.ownAnswer, .object(SuccessAnswer.table),
                "What its provider takes as success; 202 with the webhook's id, or what is known of the provider.",
                stages: [.ingressGateway]),
        ])
}

/// One secret or token of a source.
package struct ConfiguredSecret: Sendable {
    /// What the provider calls the secret, such as Stream's API key, or a name for logs and metrics.
    package var id: String?
    package var value: SecretReference
    /// When it counts, judged against received-at.
    package var validity = KeyValidity.always

    private static let table = FieldTable<ConfiguredSecret>(
        { ConfiguredSecret(value: .nowhere) },
        rules: [
            { secret, section in
                if let first = secret.validity.notBeforeNanoseconds, let end = secret.validity.notAfterNanoseconds,
                    end <= first
                {
                    section.report("not_after", "must be later than not_before, or the secret never counts")
                }
            }
        ],
        [
            Field(
                "id", optional: \.id, .text("a name for the secret"), "What the provider calls it, or a name for logs."),
            Field("value", \.value, .secret, "The secret.", required: "env:NAME or file:PATH"),
            Field("not_before", optional: \.validity.notBeforeNanoseconds, .time, "When it begins to count."),
            Field("not_after", optional: \.validity.notAfterNanoseconds, .time, "When it ceases to count."),
        ])

    fileprivate static func list(_ what: String) -> FieldKind<[ConfiguredSecret]> {
        // An empty list is refused where something must prove who sends.
        FieldKind.list(of: .object(table), what).converted({ $0 }, to: { $0.isEmpty ? nil : $0 })
    }

    /// Nothing but a reference.
    fileprivate static let alone = FieldKind.secret.converted({ ConfiguredSecret(value: $0) }, to: { $0.value })
}

extension FieldKind where V == String {
    fileprivate static let provider: FieldKind = {
        let names = ProviderRegistry.names
        return FieldKind.parsed(
            "one of \(names.joined(separator: ", "))", schema: .string(oneOf: names),
            { name throws(WrongText) in
                if ProviderRegistry.provider(named: name) != nil { return name }
                let isScheme = SchemePresets.names.contains(name)
                throw .sentence(
                    "unknown provider \"\(name)\"; "
                        + (isScheme
                            ? "it is known by its signature only: write provider: generic, verification: \(name)"
                            : Suggestion.hint(for: name, among: names)))
            }, write: { $0 })
    }()
}

extension SuccessAnswer {
    private static let mostBytes = 4096

    fileprivate static let table = FieldTable<SuccessAnswer>(
        { SuccessAnswer(status: 200, body: "", contentType: "application/json") },
        rules: [
            { answer, section in
                guard section.has("body"), answer.body.utf8.count > mostBytes || answer.status == 204 else { return }
                section.report("body", answer.status == 204 ? "204 has no body" : "expected at most \(mostBytes) bytes")
            }
        ],
        [
            Field("status", \.status, .integer(200...299), "The HTTP status."),
            Field(
                "body", \.body, .text("a text; an empty answer has no body key"),
                "The body; the webhook's id is in Tributary-Webhook-Id then."),
            Field("content_type", \.contentType, mediaType, "The media type of the body."),
        ])

    private static let mediaType: FieldKind<String> = {
        let expected = "a media type such as application/json"
        return .text(expected, length: 1...127) { text throws(WrongText) in
            guard text.utf8.count <= 127, text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
                throw .sentence("expected \(expected)")
            }
        }
    }()
}
