import EventDelivery
import EventLog
import Executable
import JSON
import PipelineConfiguration
import Providers
import StageMetrics

extension RouterAPI {
    /// What is about the router itself.
    var routerOperations: [APIOperation] { [stats, listSchemas, oneSchema] }

    static let routerSchemas: [(String, APISchema)] = [
        ("Stats", statsSchema),
        (
            "SchemaList",
            .object(
                [
                    (
                        "schemas",
                        .array(
                            of: .object(
                                [
                                    ("name", .string("The family.")), ("summary", .string()),
                                    ("types", .array(of: .string(), "Its event types, without the prefix.")),
                                ], required: ["name", "summary", "types"]))
                    )
                ], required: ["schemas"])
        ),
        // A schema is described by its own meta-schema, not by us.
        ("EventSchema", APISchema(raw: .object([("type", .string("object"))]))),
    ]

    /// `GET /v1/openapi.json`: the document of `operations` and of itself.
    static func documentOperation(describing operations: [APIOperation]) -> APIOperation {
        func operation(answering document: JSONText) -> APIOperation {
            APIOperation(
                "getOpenAPI", .get, "/v1/openapi.json", scope: nil, summary: "Gets this document.",
                success: APIResult(200, "The OpenAPI document.", APISchema(raw: .object([("type", .string("object"))])))
            ) { _ in APIReply(200, document) }
        }
        return operation(
            answering: OpenAPIDocument.json([operation(answering: .null)] + operations, schemas: schemas))
    }

    private var listSchemas: APIOperation {
        APIOperation(
            "listSchemas", .get, "/v1/schemas", scope: nil, summary: "Lists the families of canonical events.",
            success: APIResult(200, "All families.", .ref("SchemaList"))
        ) { _ in
            let families = CanonicalVocabulary.families.map { family in
                JSONText.object([
                    ("name", .string(family.name)), ("summary", .string(family.summary)),
                    ("types", .array(family.types.map { .string($0.name) })),
                ])
            }
            return APIReply(200, .object([("schemas", .array(families))]))
        }
    }

    private var oneSchema: APIOperation {
        APIOperation(
            "getSchema", .get, "/v1/schemas/{name}", scope: nil,
            summary: "Gets the JSON Schema of the events of one family.",
            parameters: [.path("name", .string(length: 1...64), "The family, such as `participant`.")],
            success: APIResult(200, "A JSON Schema, draft 2020-12.", .ref("EventSchema")), problems: [.notFound]
        ) { request in
            guard let text = FamilySchema.json(request["name"] ?? "") else {
                throw APIProblem(.notFound, "there is no such family; GET /v1/schemas lists them")
            }
            return APIReply(200, JSONText(raw: Array(text.utf8)))
        }
    }

    private var stats: APIOperation {
        APIOperation(
            "getStats", .get, "/v1/stats", scope: .read, summary: "Counts what the router holds and owes.",
            success: APIResult(200, "The counts at this moment.", .ref("Stats"))
        ) { _ in
            let log = try stage.writer.perform { log in
                LogFacts(id: "\(log.id)", first: log.firstPosition, next: log.nextPosition, bytes: log.sizeBytes)
            }
            let lanes = try stage.withHub { hub in
                hub.lanes.map { ($0.settings.name, LaneState($0).word, $0.backlog) }
            }
            let (dead, quarantine, replays) = try stage.reading.read { reader in
                (
                    try reader.deadLetterCounts(), try reader.quarantineTotals(QuarantineFilter()),
                    try reader.runningReplays().count
                )
            }
            let subscriptions = lanes.map { name, state, backlog in
                JSONText.object([
                    ("name", .string(name)), ("state", .string(state)), ("backlog", .number(backlog)),
                    ("dead", .number(dead[name] ?? 0)),
                ])
            }
            return APIReply(
                200,
                .object([
                    ("version", .string(TributaryVersion.current)), ("instance", .string(stage.instance)),
                    ("uptime_seconds", .number(Double(monotonicNanoseconds() - startedNanoseconds) / 1e9)),
                    ("log", log.json),
                    ("subscriptions", .array(subscriptions)), ("quarantine", Self.sum(quarantine)),
                    ("replays_running", .number(replays)),
                ]))
        }
    }

    private struct LogFacts: Sendable {
        let id: String
        let first: UInt64
        let next: UInt64
        let bytes: Int64

        var json: JSONText {
            .object([
                ("id", .string(id)), ("first_position", .number(first)), ("next_position", .number(next)),
                ("events", .number(next - first)), ("bytes", .number(bytes)),
            ])
        }
    }

    private static func sum(_ totals: [QuarantineTotal]) -> JSONText {
        .object([
            ("webhooks", .number(totals.reduce(0) { $0 + $1.webhooks })),
            ("replayed", .number(totals.reduce(0) { $0 + $1.replayed })),
            ("bytes", .number(totals.reduce(0) { $0 + $1.bytes })),
        ])
    }

    private static let statsSchema: APISchema = {
        let count = APISchema.integer(in: 0...APISchema.mostPosition)
        let log = APISchema.object(
            [
                ("id", .string("The log's identity; (id, position) names an event for ever.")),
                ("first_position", .integer("The oldest event kept.", in: 1...APISchema.mostPosition)),
                ("next_position", .integer("What the next event gets.", in: 1...APISchema.mostPosition)),
                ("events", count), ("bytes", count),
            ], required: ["id", "first_position", "next_position", "events", "bytes"])
        let subscription = APISchema.object(
            [
                ("name", .string()), ("state", .string(oneOf: ["active", "paused", "disabled"])), ("backlog", count),
                ("dead", count),
            ], required: ["name", "state", "backlog", "dead"])
        let quarantine = APISchema.object(
            [("webhooks", count), ("replayed", count), ("bytes", count)], required: ["webhooks", "replayed", "bytes"])
        return .object(
            [
                ("version", .string()), ("instance", .string()), ("uptime_seconds", .number()), ("log", log),
                ("subscriptions", .array(of: subscription)), ("quarantine", quarantine), ("replays_running", count),
            ],
            required: [
                "version", "instance", "uptime_seconds", "log", "subscriptions", "quarantine", "replays_running",
            ])
    }()
}
