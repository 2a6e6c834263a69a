import EventDelivery
import EventLog
import Events
import JSON
import PipelineConfiguration

extension RouterAPI {
    var eventOperations: [APIOperation] { [listEvents, oneEvent, whyEvent] }
    static let eventSchemas = EventView.schemas + WhyView.schemas

    private var lookup: EventLookup { EventLookup(reading: stage.reading) }

    private static let eventParameters: [APIParameter] = [
        .path("event", .string(length: 1...8192), "The event's position or id, percent-encoded."),
        .query("source", .string(), "Where several sources gave the same id: the one that is meant."),
    ]

    private var listEvents: APIOperation {
        APIOperation(
            "listEvents", .get, "/v1/events", scope: .read, summary: "Searches the event log, the newest event first.",
            description: "A page may hold fewer events than `limit`, even none, and still say where to go on: a search "
                + "gives up its turn after two seconds. A cursor stays valid while the log grows; its `order` must be "
                + "given again.",
            parameters: [
                .query("source", .string(), "The source: its name in the configuration, or as events write it."),
                .query("type", .string(), "The type; `*` stands for anything, and `dev.tributary.` may be left out."),
                .query("subject", .string(), "The subject; `*` stands for anything."),
                .query("key", .string(), "The partition key; `*` stands for anything."),
                .query("id", .string(), "The id, complete."),
                .query("provider", .string(), "The provider's word in events, such as `stream`."),
                .query("since", .time(), "Only events received then or later."),
                .query("until", .time(), "Only events received before."),
                .query(
                    "after", .string(length: 1...8192),
                    "Only events above that position; or a position token: the events behind it, as with `wait`."),
                .query(
                    "wait", .string(),
                    "Asks for whole events, the oldest first, behind `after` or from `from` on, and waits so long for one "
                        + "where there is none: a duration such as `30s`, 60 s at most. `type`, `source`, `provider`, "
                        + "`subject` and `key` are then those of subscriptions' filters and may be repeated."),
                .query("from", .string(), "With `wait`: \(WatchStart.expected); `latest` where left out."),
                .query("order", .string(oneOf: ["asc", "desc"]), "`asc`: the oldest first."),
            ] + APIParameter.page,
            success: APIResult(
                200, "A page of the log; with `wait` or a token the next events.",
                .anyOf([.ref("EventPage"), .ref("NextEvents")])),
            push: .poll { [push] call throws(APIProblem) in try EventPoll(call, push) }
        ) { request in
            let isDescending = request["order"] != "asc"
            let list = isDescending ? "events-desc" : "events-asc"
            let query = try Self.eventQuery(request, isDescending: isDescending, list: list)
            let page = try lookup.search(query) { EventView.summary.json(($0, $1)) }
            return .page("events", page.views, of: list, next: page.next.map { [.number($0)] })
        }
    }

    private var oneEvent: APIOperation {
        APIOperation(
            "getEvent", .get, "/v1/events/{event}", scope: .read,
            summary: "Gives one event with its body, its way through the stages and its deliveries.",
            description: "Of several events with the same id, the newest.", parameters: Self.eventParameters,
            success: APIResult(200, "The event.", .ref("Event")), problems: [.notFound]
        ) { request in
            let found = try lookup.event(request["event"] ?? "", source: request.source)
            let standings = try EventStandings(of: found, in: stage).taken
            return APIReply(
                200, EventView.whole(found, router: stage.instance, deliveries: standings.map(WhyView.delivery.json)))
        }
    }

    private var whyEvent: APIOperation {
        APIOperation(
            "explainEvent", .get, "/v1/events/{event}/why", scope: .read,
            summary:
                "Says for every subscription whether it takes the event, what became of it, and what it waits for.",
            parameters: Self.eventParameters, success: APIResult(200, "The explanation.", .ref("EventExplanation")),
            problems: [.notFound]
        ) { request in
            let found = try lookup.event(request["event"] ?? "", source: request.source)
            let told = found.batch.withRecord(at: found.position) { record in
                (
                    record.attribute("id").map { String(decoding: $0, as: UTF8.self) },
                    EventView.journey(record, found.batch, router: stage.instance)
                )
            }
            let standings = try EventStandings(of: found, in: stage).all
            return APIReply(
                200,
                .object([
                    "position": .number(found.position), "id": .string(told?.0 ?? ""),
                    "journey": told?.1 ?? .array([]),
                    "subscriptions": .array(standings.map(WhyView.standing.json)),
                ]))
        }
    }

    private static func eventQuery(
        _ request: APIRequest, isDescending: Bool, list: String
    ) throws(APIProblem) -> EventQuery {
        var query = EventQuery()
        query.source = request.source
        query.type = request["type"]
        query.subject = request["subject"]
        query.key = request["key"]
        query.id = request["id"]
        query.provider = request["provider"]
        query.since = try request.instant("since")
        query.until = try request.instant("until")
        query.above = try request.position("after") ?? 0
        query.after = try request.numberCursor(list).flatMap { UInt64(exactly: $0) }
        query.isDescending = isDescending
        query.limit = request.limit
        return query
    }
}

extension APIRequest {
    /// The source's name; events write it as `/sources/<name>`.
    fileprivate var source: String? {
        let prefix = "/sources/"
        return self["source"].map { $0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : $0 }
    }
}
