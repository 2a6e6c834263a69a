import EventDelivery
import EventLog
import Events
import Executable
import JSON
import PipelineConfiguration
import Primitives
import Wire

/// Events as the API shows them.
enum EventView {
    /// One line of a list: the attributes that the log can be searched by.
    static let summary = ShownObject<(record: EventRecord, position: UInt64)>([
        .init("position", .position) { .number($0.position) },
        attribute("id", .string("The CloudEvents id.")),
        attribute("source", .string("The CloudEvents source, such as /sources/stream.")),
        attribute("type", .string("The CloudEvents type.")),
        attribute("subject", .string().orNull),
        attribute("time", .string("When it happened, as the provider says.").orNull),
        attribute("provider", .string().orNull),
        attribute("providertype", .string("The type in the provider's words.").orNull),
        attribute("key", .string("The partition key.").orNull, of: "partitionkey"),
        .init("recordedtime", .time("When the webhook was received.")) { .time($0.record.receivedAtNanoseconds) },
    ])

    private static func attribute(
        _ name: StaticString, _ schema: APISchema, of attribute: StaticString? = nil
    ) -> ShownObject<(record: EventRecord, position: UInt64)>.Member {
        .init("\(name)", schema) { text($0.record.attribute(attribute ?? name)) }
    }

    /// One event with its body as it is stored, byte for byte, and the way that it came.
    static func whole(_ found: FoundEvent, router instance: String, deliveries: [JSONText]) -> JSONText {
        let (batch, position) = (found.batch, found.position)
        let parts = batch.withRecord(at: position) { (original($0), journey($0, batch, router: instance)) }
        return .object([
            "event": JSONText(raw: RenderedBatch.body(at: position, of: batch)), "position": .number(position),
            "original": parts?.0 ?? .null, "journey": parts?.1 ?? .array([]), "deliveries": .array(deliveries),
        ])
    }

    /// What the provider sent, where the event's data is a translation of it.
    private static func original(_ record: EventRecord) -> JSONText {
        .optional(record.original) { original in
            .object([
                "content_type": text(original.contentType),
                "bytes_base64": .string(Base64.encode(original.bytes)),
            ])
        }
    }

    /// When each stage had the webhook in its hands; the router's own stamp ends with the commit.
    static func journey(_ record: EventRecord, _ batch: EventBatch, router instance: String) -> JSONText {
        var stamps = record.stamps
        stamps.append(
            StageStamp(
                stage: .router, instance: instance, startedNanoseconds: batch.takenAtNanoseconds,
                finishedNanoseconds: batch.appendedAtNanoseconds))
        return .array(stamps.map(step.json))
    }

    private static let step = ShownObject<StageStamp>([
        // A connector stamps in the role of an ingress.
        .init("stage") { .string(Stage(ofInstance: $0.instance)?.rawValue ?? "\($0.stage)") },
        .init("instance") { .string($0.instance) },
        .init("started", .time()) { .time($0.startedNanoseconds) },
        .init("finished", .time("The router's ends with the commit to the event log.")) {
            .time($0.finishedNanoseconds)
        },
    ])

    private static func text(_ bytes: UnsafeRawBufferPointer?) -> JSONText {
        .optional(bytes) { .string(String(decoding: $0, as: UTF8.self)) }
    }
}

extension EventView {
    static let schemas: [(String, APISchema)] = [
        ("EventSummary", summary.schema),
        ("EventPage", .page("events", of: .ref("EventSummary"))),
        ("CloudEvent", cloudEvent),
        ("JourneyStep", step.schema),
        (
            "Event",
            .whole([
                "event": .ref("CloudEvent"), "position": APISchema.position,
                "original": APISchema.whole(
                    ["content_type": .string(), "bytes_base64": .string(format: "byte")],
                    "What the provider sent, where the event's data is a translation of it."
                ).orNull,
                "journey": .array(of: .ref("JourneyStep")),
                "deliveries": .array(of: .ref("EventDelivery"), "One per subscription that takes the event."),
            ])
        ),
        ("EventDelivery", WhyView.delivery.schema),
    ]

    /// Extension attributes are members too, so others than those listed may come.
    private static let cloudEvent = APISchema(
        raw: .object([
            "type": .string("object"),
            "description": .string("A CloudEvent in the JSON format, as it is stored (CloudEvents 1.0.2)."),
            "properties": .object([
                "specversion": APISchema.string(oneOf: ["1.0"]).json, "id": APISchema.string().json,
                "source": APISchema.string().json, "type": APISchema.string().json,
            ]),
            "required": .array(["specversion", "id", "source", "type"].map { .string($0) }),
            "additionalProperties": .bool(true),
        ]))
}
