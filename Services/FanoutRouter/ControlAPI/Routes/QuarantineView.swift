import EventDelivery
import EventLog
import JSON
import PipelineConfiguration
import Primitives
import Wire

/// Refused webhooks as the API shows them.
struct QuarantineView {
    /// What is shown of their requests.
    enum Content {
        /// Nothing.
        case left
        /// Head and body, with the secrets of the head masked: with them anybody could post as the sender.
        case masked(SecretFields)
        case whole
    }

    let content: Content

    func entry(_ webhook: QuarantinedWebhook) -> JSONText {
        switch content {
        case .left: Self.known.json(webhook)
        case .masked(let hidden): .object(Self.known.values(webhook) + Self.content(webhook, hidden))
        case .whole: .object(Self.known.values(webhook) + Self.content(webhook, nil))
        }
    }

    static let idSchema = APISchema.integer("An id of the quarantine.", in: 1...APISchema.mostPosition)
    static let id = APIParameter.path("id", idSchema, "The webhook's id in the quarantine.")

    static let filters: [APIParameter] = [
        .query("source", .string(), "Only webhooks to the source of that name."),
        .query("code", .string(), "Only what was refused for that reason, such as `signature_mismatch`."),
        .query("stage", .string(), "Only what that stage refused."),
        .query("since", .time(), "Only what was received then or later."),
        .query("until", .time(), "Only what was received before."),
        .query("through", .integer(in: 0...APISchema.mostPosition), "Only ids up to this: what came later is left."),
        .query("replayed", .boolean, "Only what was sent on its way again, or only what was not."),
    ]

    /// The id in the path.
    static func id(in request: APIRequest) throws(APIProblem) -> Int64 {
        guard let id = try request.integer("id") else { throw APIProblem(.notFound, "an id is a whole number") }
        return id
    }

    static func unknown(_ id: Int64) -> APIProblem {
        APIProblem(.notFound, "nothing in quarantine has the id \(id)")
    }

    static let total = ShownObject<QuarantineTotal>([
        .init("source") { .string($0.source) },
        .init("code") { .string($0.code) },
        .init("webhooks", .integer()) { .number($0.webhooks) },
        .init("bytes", .integer()) { .number($0.bytes) },
        .init("replayed", .integer("Of these, how many were sent on their way again.")) { .number($0.replayed) },
        .init("first_received", .time()) { .time($0.firstReceivedNanoseconds) },
        .init("last_received", .time()) { .time($0.lastReceivedNanoseconds) },
    ])

    /// What is there whether the content is asked for or not.
    private static let known = ShownObject<QuarantinedWebhook>([
        .init("id", idSchema) { .number($0.id) },
        .init("source", .string("The source's name in the configuration.")) { .string($0.source) },
        .init("code", .string("Why it was refused, as a stable word.")) { .string($0.code) },
        .init("stage", .string("Who refused it.")) { .string($0.stage) },
        .init("verified", .boolean.described("Whether its signature was found to be genuine.")) {
            .bool($0.isVerified)
        },
        .init("elements", .array(of: .integer(), "The refused elements of a batch; null: all of it.").orNull) {
            $0.elements.isEmpty ? .null : .array($0.elements.map { .number($0) })
        },
        .init("detail", .string("Why it was refused, in words.")) { .string($0.detail) },
        .init("journal") { .string("\($0.journal)") },
        .init("sequence", .integer()) { .number($0.sequence) },
        .init("received", .time()) { .time($0.receivedAtNanoseconds) },
        .init("received_at_ns", .integer("The same in nanoseconds since 1970.")) { .number($0.receivedAtNanoseconds) },
        .init("quarantined", .time()) { .time($0.quarantinedAtNanoseconds) },
        .init("replayed", .time("When it was last sent on its way again.").orNull) {
            .optional($0.replayedAtNanoseconds) { .time($0) }
        },
        .init("tries", .integer("How often it was sent on its way again and refused again.")) { .number($0.tries) },
    ])

    private static func content(_ webhook: QuarantinedWebhook, _ hidden: SecretFields?) -> [(String, JSONText)] {
        var fields: [(name: String, value: String)] = []
        webhook.head.withUnsafeBytes { bytes in
            RequestHead(bytes).forEachField { name, value in
                fields.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
                return true
            }
        }
        let head = (hidden?.shown(fields) ?? fields).map { JSONText.array([.string($0.name), .string($0.value)]) }
        let body = webhook.body.withUnsafeBytes { Base64.encode($0) }
        return [("head", .array(head)), ("masked", .bool(hidden != nil)), ("body_base64", .string(body))]
    }
}

extension QuarantineView {
    static let schemas: [(String, APISchema)] = [
        (
            "QuarantinedWebhook",
            .object(
                known.schemas + [
                    ("head", .array(of: .array(of: .string(), most: 2), "Header fields as pairs of name and value.")),
                    (
                        "masked",
                        .boolean.described("Whether secrets in `head` are `(hidden)`; not with the scope `replay`.")
                    ),
                    ("body_base64", .string(format: "byte")),
                ], required: known.schemas.map(\.0),
                "`head`, `masked` and `body_base64` are there where they were asked for.")
        ),
        (
            "QuarantinePage",
            .whole([
                "quarantine": .array(of: .ref("QuarantinedWebhook")), "next_cursor": .nextCursor,
                "newest": .integer("The highest id in quarantine at this moment; 0 where it is empty."),
            ])
        ),
        ("QuarantineTotals", .whole(["totals": .array(of: .ref("QuarantineTotal"))])),
        ("QuarantineTotal", total.schema),
        (
            "QuarantineDeletion",
            .whole(["deleted": .integer("How many were deleted."), "next_cursor": .nextCursor])
        ),
    ]
}
