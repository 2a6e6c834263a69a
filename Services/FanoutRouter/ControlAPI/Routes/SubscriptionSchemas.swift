import EventDelivery
import JSON
import PipelineConfiguration

extension APISchema {
    /// 1 to 63 characters of a-z, 0-9 and `-`.
    static let subscriptionName = string("1 to 63 characters a-z, 0-9 and -.", pattern: "^[a-z0-9-]{1,63}$")
}

/// The subscription's part of `components/schemas`: the table of its keys, and what the API knows besides.
extension RouterAPI {
    fileprivate static let generatedSecret = APISchema.string(
        "The secret that the router has just made. It is not shown again.")

    static let subscriptionSchemas: [(String, APISchema)] = [
        ("Subscription", SubscriptionSchemas.shown),
        ("SubscriptionPage", .page("subscriptions", of: .ref("Subscription"))),
        (
            "NewSubscription",
            .object(
                SubscriptionSchemas.settings(.document) + [("start", SubscriptionSchemas.start)],
                required: SubscriptionConfiguration.table.required,
                "What a subscription is to be; what is not required has a default."
            ).with("examples", .array([SubscriptionSchemas.roomExample]))
        ),
        (
            "SubscriptionPatch",
            .object(
                SubscriptionSchemas.settings(.patch),
                "A merge patch (RFC 7396); `name`, where it is given, must be the subscription's.")
        ),
        (
            "SecretRotation",
            .object([
                "secret": SubscriptionSchemas.secret,
                "keep_old": .string(
                    "How long the former secrets sign too, 24h where left out, 30d at most.",
                    pattern: "^[0-9]{1,10}(ms|s|m|h|d)$"),
            ])
        ),
        (
            "RotatedSecret",
            .object(
                [
                    "generated_secret": generatedSecret.orNull,
                    "fingerprint": SubscriptionSchemas.fingerprint,
                    "keep_old_until": APISchema.time("Until then the former secrets sign too.").orNull,
                ], required: ["generated_secret", "fingerprint", "keep_old_until"])
        ),
    ]
}

enum SubscriptionSchemas {
    static let secret = APISchema.string(
        "The secret itself: for standard-webhooks whsec_ and base64, or whsk_ and the base64 of an Ed25519 seed.",
        length: 1...1024)
    static let fingerprint = APISchema.string(
        "The first 8 hexadecimal digits of the secret's SHA-256.", pattern: "^[0-9a-f]{8}$")

    /// What Fishjam calls the `webhook_url` of a room.
    static let roomExample = JSONText.object([
        "name": .string("room-5f2c"), "url": .string("https://app.example.com/fishjam"),
        "format": .string("original"),
        "filter": .object([
            "providers": .array([.string("fishjam")]),
            "subjects": .array([.string("rooms/5f2c"), .string("rooms/5f2c/*")]),
        ]),
    ])

    static let start = APISchema.anyOf([
        .string(
            "Behind the newest event (the default), or with the oldest that is kept.", oneOf: ["latest", "earliest"]),
        .time("With the first event received then or later."), .position,
    ])

    /// What can be given at creation and changed later. Secrets come as they are, or the router makes one.
    static func settings(_ use: SchemaUse) -> [(String, APISchema)] {
        SubscriptionConfiguration.table.members(use).map { name, schema in
            guard name == "signing" else { return (name, schema) }
            let parts = SigningConfiguration.table.members(use).filter { $0.0 != "secrets" }
            let secrets: [(String, APISchema)] = [
                ("secrets", .array(of: secret, "Newest first.", most: SigningSecrets.most)),
                (
                    "key",
                    .string(
                        "What secret the router is to make.", oneOf: SigningSecrets.Kind.allCases.map(\.rawValue))
                ),
            ]
            let isPatch = use == .patch
            let signing = APISchema.object(
                parts + secrets.map { ($0.0, isPatch ? $0.1.orNull : $0.1) },
                required: isPatch ? [] : SigningConfiguration.table.required,
                "How a subscriber can tell that a request is ours; standard-webhooks where it is left out.")
            return (name, isPatch ? signing.orNull : signing)
        }
    }

    // MARK: Shown

    /// As the router shows a subscription.
    static let shown = APISchema.object(
        shownMembers + [
            ("generated_secret", RouterAPI.generatedSecret)
        ], required: shownMembers.map(\.0), "A subscription and what it is doing.")

    private static let shownMembers: [(String, APISchema)] =
        [("origin", .string(oneOf: KnownSubscription.Origin.allCases.map(\.rawValue)))]
        + members(of: SubscriptionConfiguration.table).map { name, schema in
            switch name {
            case "signing": (name, shownSigning.orNull)
            case "url":
                (
                    name,
                    APISchema.string(
                        "Where deliveries go. Its query is `(hidden)` from tokens without the scope `write`.",
                        length: 1...2048
                    ).orNull
                )
            default: (name, schema)
            }
        } + SubscriptionView.standing.schemas

    private static let shownSigning: APISchema = {
        let parts = members(of: SigningConfiguration.table).filter { $0.0 != "secrets" }
        let all = parts + [("secrets", .array(of: SubscriptionView.secret.schema, "What signs now, newest first."))]
        return .whole(all)
    }()

    /// Every key, null where it has no value.
    private static func members<Object>(of table: FieldTable<Object>) -> [(String, APISchema)] {
        let optional = table.optionalKeys
        return table.members(.document).map { ($0.0, optional.contains($0.0) ? $0.1.orNull : $0.1) }
    }
}
