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
        ("Stats", StatsView.shown.schema),
        (
            "SchemaList",
            .whole(["schemas": .array(of: family.schema)])
        ),
        // A schema is described by its own meta-schema, not by us.
        ("EventSchema", APISchema(raw: .object(["type": .string("object")]))),
    ]

    /// `GET /v1/openapi.json`: the document of `operations` and of itself.
    static func documentOperation(describing operations: [APIOperation]) -> APIOperation {
        func operation(answering document: JSONText) -> APIOperation {
            APIOperation(
                "getOpenAPI", .get, "/v1/openapi.json", scope: nil, summary: "Gets this document.",
                success: APIResult(200, "The OpenAPI document.", APISchema(raw: .object(["type": .string("object")])))
            ) { _ in APIReply(200, document) }
        }
        return operation(
            answering: OpenAPIDocument.json([operation(answering: .null)] + operations, schemas: schemas))
    }

    private static let family = ShownObject<CanonicalFamily>([
        .init("name", .string("The family.")) { .string($0.name) },
        .init("summary") { .string($0.summary) },
        .init("types", .array(of: .string(), "Its event types, without the prefix.")) {
            .array($0.types.map { .string($0.name) })
        },
    ])

    private var listSchemas: APIOperation {
        APIOperation(
            "listSchemas", .get, "/v1/schemas", scope: nil, summary: "Lists the families of canonical events.",
            success: APIResult(200, "All families.", .ref("SchemaList"))
        ) { _ in
            let families = CanonicalVocabulary.families.map(Self.family.json)
            return APIReply(200, .object(["schemas": .array(families)]))
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
                ("\(log.lineage.current)", log.firstPosition, log.nextPosition, log.sizeBytes) as StatsView.Log
            }
            let lanes = try stage.loops.lanes { ($0.settings.name, LaneState($0).word, $0.backlog) }
            let (dead, quarantine, replays) = try stage.reading.read { reader in
                (
                    try reader.deadLetterCounts(), try reader.quarantineTotals(QuarantineFilter()),
                    try reader.runningReplays().count
                )
            }
            let subscriptions: [StatsView.Subscription] = lanes.map { ($0, $1, $2, dead[$0] ?? 0) }
            return APIReply(
                200,
                StatsView.shown.json(
                    StatsView(
                        instance: stage.instance,
                        uptimeSeconds: Double(monotonicNanoseconds() - startedNanoseconds) / 1e9, log: log,
                        subscriptions: subscriptions, quarantine: quarantine, replays: replays)))
        }
    }
}

/// What the router holds and owes, as the API shows it.
private struct StatsView {
    typealias Log = (id: String, first: UInt64, next: UInt64, bytes: Int64)
    typealias Subscription = (name: String, state: String, backlog: Int, dead: Int)

    let instance: String
    let uptimeSeconds: Double
    let log: Log
    let subscriptions: [Subscription]
    let quarantine: [QuarantineTotal]
    let replays: Int

    static let shown = ShownObject<StatsView>([
        .init("version") { _ in .string(TributaryVersion.current) },
        .init("instance") { .string($0.instance) },
        .init("uptime_seconds", .number()) { .number($0.uptimeSeconds) },
        .init("log", shownLog.schema) { shownLog.json($0.log) },
        .init("subscriptions", .array(of: shownSubscription.schema)) {
            .array($0.subscriptions.map(shownSubscription.json))
        },
        .init("quarantine", sum.schema) { sum.json($0.quarantine) },
        .init("replays_running", count) { .number($0.replays) },
    ])

    private static let shownLog = ShownObject<Log>([
        .init("id", .string("The log's identity; (id, position) names an event for ever.")) { .string($0.id) },
        .init("first_position", .integer("The oldest event kept.", in: 1...APISchema.mostPosition)) {
            .number($0.first)
        },
        .init("next_position", .integer("What the next event gets.", in: 1...APISchema.mostPosition)) {
            .number($0.next)
        },
        .init("events", count) { .number($0.next - $0.first) },
        .init("bytes", count) { .number($0.bytes) },
    ])

    private static let shownSubscription = ShownObject<Subscription>([
        .init("name") { .string($0.name) },
        .init("state", .string(oneOf: ["active", "paused", "disabled"])) { .string($0.state) },
        .init("backlog", count) { .number($0.backlog) },
        .init("dead", count) { .number($0.dead) },
    ])

    private static let sum = ShownObject<[QuarantineTotal]>([
        .init("webhooks", count) { .number($0.reduce(0) { $0 + $1.webhooks }) },
        .init("replayed", count) { .number($0.reduce(0) { $0 + $1.replayed }) },
        .init("bytes", count) { .number($0.reduce(0) { $0 + $1.bytes }) },
    ])

    private static let count = APISchema.integer(in: 0...APISchema.mostPosition)
}
