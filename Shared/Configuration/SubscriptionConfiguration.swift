import Primitives

/// One receiver of events.
package struct SubscriptionConfiguration: Sendable {
    /// 1 to 63 characters of a-z, 0-9 and `-`.
    package var name = ""
    package var destination: any DestinationConfiguration = DestinationRegistry.all[0].init()
    package var filter = SubscriptionFilter()
    package var format = SubscriptionFormat.cloudevents
    package var mode = SubscriptionMode.single
    package var retry = RetryConfiguration.standard
    package var concurrency = 30
    package var requestsPerSecond: Int?
    package var disableAfter = Duration.seconds(5 * 86_400)
    package var order = DeliveryOrder.none
    package var keyHold = Duration.seconds(300)

    /// The keys of an HTTP destination; nil for any other.
    package var http: HTTPDestinationConfiguration? { destination as? HTTPDestinationConfiguration }
    package var signing: SigningConfiguration { destination.signing }
    /// How long one attempt may take; the `timeout` of a retry schedule goes before that of the destination.
    package var timeoutSeconds: Double { (retry.timeout ?? destination.timeout).inSeconds }

    package static let table: FieldTable<SubscriptionConfiguration> = {
        let destinations = DestinationRegistry.all.map { $0.lifted() }
        return FieldTable(
            { SubscriptionConfiguration() },
            rules: destinations.flatMap(\.rules) + [{ subscription, section in check(subscription, section) }],
            address + destinations.flatMap(\.fields) + delivery)
    }()

    private static let address: [Field<SubscriptionConfiguration>] = [
        Field(
            "name", \.name, .name(unique: "subscription"), "1 to 63 characters a-z, 0-9 and -.",
            required: FieldKind.name().expected),
        Field("type", \.destination, .destination, "The kind of destination.", option: "destination"),
    ]

    private static let delivery: [Field<SubscriptionConfiguration>] = [
        Field(
            "filter", \.filter, .object(SubscriptionFilter.table),
            "Which events; a part that is left out or empty takes all."),
        Field("format", \.format, .word, "What a delivery looks like."),
        Field("mode", \.mode, SubscriptionMode.kind, "How many events go into one request."),
        Field("retry", \.retry, RetryConfiguration.kind, "When a failed attempt is made again."),
        Field("concurrency", \.concurrency, .integer(1...1000), "Requests in flight at once."),
        Field("rate_limit", optional: \.requestsPerSecond, .integer(1...100_000), "Requests per second at most."),
        Field(
            "disable_after", \.disableAfter, .duration(.seconds(60) ... .seconds(365 * 86_400)),
            "After so long without a success the subscription is disabled; it keeps its place."),
        Field("order", \.order, .word, "`key`: events of one partition key one after the other."),
        Field(
            "key_hold", \.keyHold, .duration(.seconds(1) ... .seconds(86_400)),
            "How long a failing event may hold up its key; then it is a dead letter.",
            only: OnlyWith(
                "order", "key",
                refusal: "key_hold says how long a failing event holds up its key, so it needs order: key")),
    ]

    private static func check(_ subscription: SubscriptionConfiguration, _ section: Section) {
        let kind = type(of: subscription.destination)
        if section.isRight("format"), !kind.formats.contains(subscription.format) {
            let words = kind.formats.map(\.rawValue).joined(separator: ", ")
            section.report("format", "a destination of the type \(kind.word) takes \(words) alone")
        }
        if section.isRight("mode"), subscription.mode != .single, !kind.takesBatches {
            section.report("mode", "a destination of the type \(kind.word) makes its own batches; remove mode")
        }
        guard section["mode"]?.isMapping == true,
            let format = section["format"]?.scalar.flatMap(SubscriptionFormat.init),
            [.original, .cloudeventsBinary].contains(format)
        else { return }
        section.report(
            "format",
            "\(format.rawValue) cannot hold several events; use mode: single, or format: cloudevents or superviz")
    }
}

/// What the body of a delivery looks like.
package enum SubscriptionFormat: String, Sendable, CaseIterable {
    case cloudevents
    case cloudeventsBinary = "cloudevents-binary"
    case original
    case superviz
}

/// In which order a subscription's events are delivered.
package enum DeliveryOrder: String, Sendable, CaseIterable {
    case none
    case key
}

/// How many events go into one request.
package enum SubscriptionMode: Sendable, Equatable {
    case single
    /// What came in that time; so many events at most, and a body of so many bytes. A single larger event travels alone.
    case batch(every: Duration, maxEvents: Int, maxBytes: Int)

    package static let defaultBatchBytes = 4 << 20

    static let kind = FieldKind.either(
        scalar: alone, otherwise: FieldKind.object(table).converted({ $0.batch.mode }, to: { ModeSpelledOut($0) }),
        isScalar: { $0 == .single })

    private static let alone = FieldKind<SubscriptionMode>.parsed(
        "single or a mapping with batch", schema: .string("One event in each request.", oneOf: ["single"]),
        { text throws(WrongText) in
            if text != "single" { throw .unexpected }
            return .single
        }, write: { _ in "single" }
    ).with(\.option, nil)

    private static let table = FieldTable<ModeSpelledOut>(
        ModeSpelledOut.init,
        [
            Field(
                "batch", \.batch, .object(Batch.table), "What came in together.",
                required: "a mapping with every, max_events and max_bytes")
        ])

    private struct ModeSpelledOut {
        var batch = Batch()

        init() {}

        init?(_ mode: SubscriptionMode) {
            guard case .batch(let every, let maxEvents, let maxBytes) = mode else { return nil }
            batch = Batch(every: every, maxEvents: maxEvents, maxBytes: maxBytes)
        }
    }

    private struct Batch {
        var every = Duration.seconds(1)
        var maxEvents = 1000
        var maxBytes = defaultBatchBytes

        var mode: SubscriptionMode { .batch(every: every, maxEvents: maxEvents, maxBytes: maxBytes) }

        static let table = FieldTable<Batch>(
            { Batch() },
            [
                Field(
                    "every", \.every, .duration(.milliseconds(10) ... .seconds(3600)),
                    "Deliver together what came in so long.", option: "batch"),
                Field("max_events", \.maxEvents, .integer(1...1000), "Events in one request.", option: "batch-events"),
                Field(
                    "max_bytes", \.maxBytes, .integer(1024...(16 << 20)),
                    "Bytes of one request's body; a single larger event travels alone.", option: "batch-bytes"),
            ])
    }
}
