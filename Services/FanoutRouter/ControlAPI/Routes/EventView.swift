import EventDelivery
import EventLog
import Events
import JSON
import PipelineConfiguration
import Primitives
import Wire

/// Events as the API shows them.
enum EventView {
    /// One line of a list: the attributes that the log can be searched by.
    static func summary(_ record: EventRecord, _ position: UInt64) -> JSONText {
        var members: [(String, JSONText)] = [("position", .number(position))]
        for name in ["id", "source", "type", "subject", "time", "provider", "providertype"] as [StaticString] {
            members.append(("\(name)", text(record.attribute(name))))
        }
        members.append(("key", text(record.attribute("partitionkey"))))
        members.append(("recordedtime", .time(record.receivedAtNanoseconds)))
        return .object(members)
    }

    /// One event with its body as it is stored, byte for byte, and the way that it came.
    static func whole(_ found: FoundEvent, router instance: String, deliveries: [JSONText]) -> JSONText {
        let (batch, position) = (found.batch, found.position)
        let parts = batch.withRecord(at: position) { (original($0), journey($0, batch, router: instance)) }
        return .object([
            ("event", JSONText(raw: RenderedBatch.body(at: position, of: batch))), ("position", .number(position)),
            ("original", parts?.0 ?? .null), ("journey", parts?.1 ?? .array([])), ("deliveries", .array(deliveries)),
        ])
    }

    /// What the provider sent, where the event's data is a translation of it.
    private static func original(_ record: EventRecord) -> JSONText {
        .optional(record.original) { original in
            .object([
                ("content_type", text(original.contentType)),
                ("bytes_base64", .string(Base64.encode(original.bytes))),
            ])
        }
    }

    /// When each stage had the webhook in its hands; the router's own stamp ends with the commit.
    private static func journey(_ record: EventRecord, _ batch: EventBatch, router instance: String) -> JSONText {
        var stamps = record.stamps
        stamps.append(
            StageStamp(
                stage: .router, instance: instance, startedNanoseconds: batch.takenAtNanoseconds,
                finishedNanoseconds: batch.appendedAtNanoseconds))
        return .array(
            stamps.map { stamp in
                .object([
                    ("stage", .string("\(stamp.stage)")), ("instance", .string(stamp.instance)),
                    ("started", .time(stamp.startedNanoseconds)), ("finished", .time(stamp.finishedNanoseconds)),
                ])
            })
    }

    private static func text(_ bytes: UnsafeRawBufferPointer?) -> JSONText {
        .optional(bytes) { .string(String(decoding: $0, as: UTF8.self)) }
    }
}

extension EventView {
    static let schemas: [(String, APISchema)] = [
        (
            "EventSummary",
            .object(
                [
                    ("position", APISchema.position), ("id", .string("The CloudEvents id.")),
                    ("source", .string("The CloudEvents source, such as /sources/stream.")),
                    ("type", .string("The CloudEvents type.")), ("subject", APISchema.string().orNull),
                    ("time", APISchema.string("When it happened, as the provider says.").orNull),
                    ("provider", APISchema.string().orNull),
                    ("providertype", APISchema.string("The type in the provider's words.").orNull),
                    ("key", APISchema.string("The partition key.").orNull),
                    ("recordedtime", .time("When the webhook was received.")),
                ],
                required: [
                    "position", "id", "source", "type", "subject", "time", "provider", "providertype", "key",
                    "recordedtime",
                ])
        ),
        ("EventPage", .page("events", of: .ref("EventSummary"))),
        ("CloudEvent", cloudEvent),
        (
            "JourneyStep",
            .object(
                [
                    ("stage", .string()), ("instance", .string()), ("started", .time()),
                    ("finished", .time("The router's ends with the commit to the event log.")),
                ], required: ["stage", "instance", "started", "finished"])
        ),
        (
            "Event",
            .object(
                [
                    ("event", .ref("CloudEvent")), ("position", APISchema.position),
                    (
                        "original",
                        APISchema.object(
                            [("content_type", .string()), ("bytes_base64", .string(format: "byte"))],
                            required: ["content_type", "bytes_base64"],
                            "What the provider sent, where the event's data is a translation of it."
                        ).orNull
                    ),
                    ("journey", .array(of: .ref("JourneyStep"))),
                    ("deliveries", .array(of: .ref("EventDelivery"), "One per subscription that takes the event.")),
                ], required: ["event", "position", "original", "journey", "deliveries"])
        ),
        (
            "EventDelivery",
            .object(
                [
                    ("subscription", .string()), ("state", WhyView.state),
                    ("attempts", .array(of: .ref("Attempt"), "Those still known, oldest first.")),
                ], required: ["subscription", "state", "attempts"])
        ),
    ]

    /// Extension attributes are members too, so others than those listed may come.
    private static let cloudEvent = APISchema(
        raw: .object([
            ("type", .string("object")),
            ("description", .string("A CloudEvent in the JSON format, as it is stored (CloudEvents 1.0.2).")),
            (
                "properties",
                .object([
                    ("specversion", APISchema.string(oneOf: ["1.0"]).json), ("id", APISchema.string().json),
                    ("source", APISchema.string().json), ("type", APISchema.string().json),
                ])
            ),
            ("required", .array(["specversion", "id", "source", "type"].map { .string($0) })),
            ("additionalProperties", .bool(true)),
        ]))
}
