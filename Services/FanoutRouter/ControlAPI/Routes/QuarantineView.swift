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
        case .left: .object(Self.members(webhook))
        case .masked(let hidden): .object(Self.members(webhook) + Self.content(webhook, hidden))
        case .whole: .object(Self.members(webhook) + Self.content(webhook, nil))
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

    static func total(_ total: QuarantineTotal) -> JSONText {
        .object([
            ("source", .string(total.source)), ("code", .string(total.code)), ("webhooks", .number(total.webhooks)),
            ("bytes", .number(total.bytes)), ("replayed", .number(total.replayed)),
            ("first_received", .time(total.firstReceivedNanoseconds)),
            ("last_received", .time(total.lastReceivedNanoseconds)),
        ])
    }

    private static func members(_ webhook: QuarantinedWebhook) -> [(String, JSONText)] {
        [
            ("id", .number(webhook.id)), ("source", .string(webhook.source)), ("code", .string(webhook.code)),
            ("stage", .string(webhook.stage)), ("verified", .bool(webhook.isVerified)),
            ("elements", webhook.elements.isEmpty ? .null : .array(webhook.elements.map { .number($0) })),
            ("detail", .string(webhook.detail)), ("journal", .string("\(webhook.journal)")),
            ("sequence", .number(webhook.sequence)), ("received", .time(webhook.receivedAtNanoseconds)),
            ("received_at_ns", .number(webhook.receivedAtNanoseconds)),
            ("quarantined", .time(webhook.quarantinedAtNanoseconds)),
            ("replayed", .optional(webhook.replayedAtNanoseconds) { .time($0) }),
            ("tries", .number(webhook.tries)),
        ]
    }

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
                [
                    ("id", idSchema), ("source", .string("The source's name in the configuration.")),
                    ("code", .string("Why it was refused, as a stable word.")), ("stage", .string("Who refused it.")),
                    ("verified", boolean("Whether its signature was found to be genuine.")),
                    (
                        "elements",
                        APISchema.array(of: .integer(), "The refused elements of a batch; null: all of it.").orNull
                    ),
                    ("detail", .string("Why it was refused, in words.")), ("journal", .string()),
                    ("sequence", .integer()), ("received", .time()),
                    ("received_at_ns", .integer("The same in nanoseconds since 1970.")), ("quarantined", .time()),
                    ("replayed", APISchema.time("When it was last sent on its way again.").orNull),
                    ("tries", .integer("How often it was sent on its way again and refused again.")),
                    (
                        "head",
                        .array(of: .array(of: .string(), most: 2), "Header fields as pairs of name and value.")
                    ),
                    ("masked", boolean("Whether secrets in `head` are `(hidden)`; not with the scope `replay`.")),
                    ("body_base64", .string(format: "byte")),
                ],
                required: [
                    "id", "source", "code", "stage", "verified", "elements", "detail", "journal", "sequence",
                    "received", "received_at_ns", "quarantined", "replayed", "tries",
                ], "`head`, `masked` and `body_base64` are there where they were asked for.")
        ),
        (
            "QuarantinePage",
            .object(
                [
                    ("quarantine", .array(of: .ref("QuarantinedWebhook"))),
                    ("next_cursor", APISchema.string("Pass it as `cursor` to go on; null at the end.").orNull),
                    ("newest", .integer("The highest id in quarantine at this moment; 0 where it is empty.")),
                ], required: ["quarantine", "next_cursor", "newest"])
        ),
        ("QuarantineTotals", .object([("totals", .array(of: .ref("QuarantineTotal")))], required: ["totals"])),
        (
            "QuarantineTotal",
            .object(
                [
                    ("source", .string()), ("code", .string()), ("webhooks", .integer()), ("bytes", .integer()),
                    ("replayed", .integer("Of these, how many were sent on their way again.")),
                    ("first_received", .time()), ("last_received", .time()),
                ],
                required: ["source", "code", "webhooks", "bytes", "replayed", "first_received", "last_received"])
        ),
        (
            "QuarantineDeletion",
            .object(
                [
                    ("deleted", .integer("How many were deleted.")),
                    ("next_cursor", APISchema.string("Pass it as `cursor` to go on; null at the end.").orNull),
                ], required: ["deleted", "next_cursor"])
        ),
    ]

    private static func boolean(_ description: String) -> APISchema {
        APISchema(raw: .object([("type", .string("boolean")), ("description", .string(description))]))
    }
}
