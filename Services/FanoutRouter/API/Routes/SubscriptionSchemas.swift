import PipelineConfiguration

extension APISchema {
    /// 1 to 63 characters of a-z, 0-9 and `-`.
    static let subscriptionName = string("1 to 63 characters a-z, 0-9 and -.", pattern: "^[a-z0-9-]{1,63}$")

    fileprivate static let duration = string("Such as 250ms, 5s, 10m, 24h or 7d.", pattern: "^[0-9]{1,10}(ms|s|m|h|d)$")

    fileprivate static func words<Word: CaseIterable & RawRepresentable<String>>(
        _ type: Word.Type, _ description: String = ""
    ) -> APISchema {
        string(description, oneOf: type.allCases.map(\.rawValue))
    }
}

/// The subscription's part of `components/schemas`.
extension RouterAPI {
    fileprivate static let generatedSecret = APISchema.string(
        "The secret that the router has just made. It is not shown again.")

    static let subscriptionSchemas: [(String, APISchema)] = [
        ("Subscription", SubscriptionSchemas.shown),
        ("SubscriptionPage", .page("subscriptions", of: .ref("Subscription"))),
        (
            "NewSubscription",
            .object(
                [("name", .subscriptionName), ("url", SubscriptionSchemas.url), ("start", SubscriptionSchemas.start)]
                    + SubscriptionSchemas.settings(inPatch: false), required: ["name", "url"],
                "What a subscription is to be; everything but name and url has a default.")
        ),
        (
            "SubscriptionPatch",
            .object(
                [("name", .subscriptionName), ("url", SubscriptionSchemas.url)]
                    + SubscriptionSchemas.settings(inPatch: true).map { ($0.0, $0.1.orNull) },
                "A merge patch (RFC 7396); `name`, where it is given, must be the subscription's.")
        ),
        (
            "SecretRotation",
            .object([
                ("secret", SubscriptionSchemas.secret),
                (
                    "keep_old",
                    .string(
                        "How long the former secrets sign too, 24h where left out, 30d at most.",
                        pattern: "^[0-9]{1,10}(ms|s|m|h|d)$")
                ),
            ])
        ),
        (
            "RotatedSecret",
            .object(
                [
                    ("generated_secret", generatedSecret.orNull),
                    ("fingerprint", SubscriptionSchemas.fingerprint),
                    ("keep_old_until", APISchema.time("Until then the former secrets sign too.").orNull),
                ], required: ["generated_secret", "fingerprint", "keep_old_until"])
        ),
    ]
}

private enum SubscriptionSchemas {
    static let url = APISchema.string(
        "Where deliveries go, http or https. Its query is `(hidden)` from tokens without the scope `write`.",
        length: 1...2048)
    static let secret = APISchema.string(
        "The secret itself: for standard-webhooks whsec_ and base64, or whsk_ and the base64 of an Ed25519 seed.",
        length: 1...1024)
    static let fingerprint = APISchema.string(
        "The first 8 hexadecimal digits of the secret's SHA-256.", pattern: "^[0-9a-f]{8}$")

    static let start = APISchema.anyOf([
        .string(
            "Behind the newest event (the default), or with the oldest that is kept.", oneOf: ["latest", "earliest"]),
        .time("With the first event received then or later."), .position,
    ])

    /// What can be given at creation and changed later.
    static func settings(inPatch: Bool) -> [(String, APISchema)] {
        [
            ("filter", filter(inPatch: inPatch)), ("format", .words(SubscriptionFormat.self)),
            ("mode", mode(inPatch: inPatch)), ("signing", signing(inPatch: inPatch)),
            ("retry", retry(inPatch: inPatch)),
            ("concurrency", .integer("Requests in flight at once.", in: 1...1000)),
            ("rate_limit", .integer("Requests per second at most.", in: 1...100_000)),
            ("disable_after", .duration), ("timeout", .duration), ("order", .words(DeliveryOrder.self)),
            ("key_hold", .duration),
        ]
    }

    private static func members(_ members: [(String, APISchema)], inPatch: Bool) -> [(String, APISchema)] {
        inPatch ? members.map { ($0.0, $0.1.orNull) } : members
    }

    private static func filter(inPatch: Bool) -> APISchema {
        func patterns(_ description: String) -> APISchema {
            .array(of: .string(length: 1...1024), description, most: 1000)
        }
        let parts: [(String, APISchema)] = [
            ("types", patterns("Event types with *; `dev.tributary.` may be left out.")),
            ("sources", patterns("Names of configured sources.")), ("providers", patterns("Words of the provider.")),
            ("subjects", patterns("Subjects with *.")), ("keys", patterns("Partition keys with *.")),
            ("data", .array(of: condition, "What must hold of the data.", most: 100)),
        ]
        return .object(members(parts, inPatch: inPatch), "Which events; a part that is left out or empty takes all.")
    }

    private static let scalar = APISchema.anyOf([.string(), .number()])

    private static let condition = APISchema.object(
        [
            ("pointer", .string("A JSON Pointer (RFC 6901) into the data.", pattern: "^/[\\s\\S]*$")),
            ("equals", scalar), ("in", .array(of: scalar, most: 1000)), ("at_least", .number()), ("below", .number()),
            ("exists", .boolean),
        ], required: ["pointer"], "One of equals, in and exists, or at_least and below.")

    private static func mode(inPatch: Bool) -> APISchema {
        let batch: [(String, APISchema)] = [
            ("every", .duration), ("max_events", .integer("Events in one request.", in: 1...1000)),
            (
                "max_bytes",
                .integer(
                    "Bytes of one request's body; a single larger event travels alone.",
                    in: Int64(SubscriptionMode.batchBytes.lowerBound)...Int64(SubscriptionMode.batchBytes.upperBound))
            ),
        ]
        return .anyOf([
            .string("One event in each request.", oneOf: ["single"]),
            .object([("batch", .object(members(batch, inPatch: inPatch)))], required: ["batch"]),
        ])
    }

    private static func signing(inPatch: Bool) -> APISchema {
        let parts: [(String, APISchema)] = [
            ("scheme", .words(SigningConfiguration.Scheme.self)),
            ("secrets", .array(of: secret, "Newest first.", most: SigningSecrets.most)),
            ("key", .words(SigningSecrets.Kind.self, "What secret the router is to make.")),
            ("api_key", .string("With stream: what goes into X-API-KEY.", length: 0...1024)),
            ("header", .string("With header: the field that holds the secret.", length: 1...256)),
            ("prefix", .string("With header: what stands before the secret.", length: 0...256)),
        ]
        return .object(members(parts, inPatch: inPatch), required: inPatch ? [] : ["scheme"])
    }

    private static func retry(inPatch: Bool) -> APISchema {
        let parts: [(String, APISchema)] = [
            ("schedule", .array(of: .duration, "The wait before each attempt.", most: 100)),
            ("repeat_last", .boolean), ("jitter", .boolean), ("timeout", .duration), ("deadline", .duration),
        ]
        let named = RetryConfiguration.Scheme.allCases.filter { $0 != .custom }.map(\.rawValue)
        return .anyOf([
            .string(oneOf: named),
            .object(members(parts, inPatch: inPatch), required: inPatch ? [] : ["schedule"]),
        ])
    }

    // MARK: Shown

    /// As the router shows a subscription.
    static let shown = APISchema.object(
        shownMembers + [
            ("generated_secret", RouterAPI.generatedSecret)
        ], required: shownMembers.map(\.0), "A subscription and what it is doing.")

    private static let shownMembers: [(String, APISchema)] =
        [
            ("name", .subscriptionName), ("origin", .words(KnownSubscription.Origin.self)), ("url", url),
        ]
        + settings(inPatch: false).map { name, schema in
            switch name {
            case "signing": (name, shownSigning)
            case "rate_limit", "key_hold", "disable_after": (name, schema.orNull)
            default: (name, schema)
            }
        } + [
            ("revision", .integer("Counts the changes, from 1.", in: 1...APISchema.mostPosition)),
            ("created", APISchema.time("Null of a configured subscription.").orNull),
            ("updated", APISchema.time("Null of a configured subscription.").orNull),
            ("state", .string(oneOf: LaneState.words)),
            ("disabled_reason", APISchema.string("Why the router disabled it.").orNull),
            ("breaker", .string("The circuit breaker.", oneOf: CircuitBreaker.State.words)),
            ("concurrency_now", .integer("How many requests the subscriber bears at present.")),
            ("cursor", .integer("The last position that was taken up.", in: 0...APISchema.mostPosition)),
            ("backlog", .integer("Events that are not finished.")), ("in_flight", .integer("Requests under way.")),
            ("retrying", .integer("Deliveries that wait for their next attempt.")),
            ("dead", .integer("Events among the dead letters.")),
        ]

    private static let shownSigning = APISchema.object(
        [
            ("scheme", .words(SigningConfiguration.Scheme.self)), ("api_key", APISchema.string().orNull),
            ("header", APISchema.string().orNull), ("prefix", APISchema.string().orNull),
            (
                "secrets",
                .array(
                    of: .object(
                        [
                            ("fingerprint", fingerprint),
                            (
                                "public_key",
                                APISchema.string("Of an Ed25519 key: whpk_ and base64, to verify v1a with.").orNull
                            ),
                            ("created", APISchema.time().orNull),
                            ("not_after", APISchema.time("Until then it signs beside a newer one.").orNull),
                        ], required: ["fingerprint", "public_key", "created", "not_after"]),
                    "What signs now, newest first.")
            ),
        ], required: ["scheme", "api_key", "header", "prefix", "secrets"])
}
