import EventDelivery
import EventLog
import JSON
import PipelineConfiguration

extension RouterAPI {
    var attemptOperations: [APIOperation] { [listAttempts] }
    static let attemptSchemas = AttemptView.schemas

    private var listAttempts: APIOperation {
        APIOperation(
            "listAttempts", .get, "/v1/attempts", scope: .read,
            summary: "Lists requests to subscribers with what came of them, the newest first.",
            description: "Kept are the attempts that failed and those after a failure. Deliveries that went well at "
                + "once are remembered for a while only, and shown where `event` or `subscription` is given. An attempt "
                + "of a batch is filed under its first event. A page may hold fewer than `limit`, even none, and still "
                + "say where to go on.",
            parameters: [
                .query("subscription", .string(), "Only attempts for that subscription."),
                .query("event", .string(length: 1...8192), "Only attempts for the event with that position or id."),
                .query("outcome", AttemptView.outcome, "Only attempts with that outcome."),
                .query("phase", AttemptView.phase, "Only attempts that ended in that phase."),
                .query("since", .time(), "Only attempts begun then or later."),
                .query("until", .time(), "Only attempts begun before."),
            ] + APIParameter.page,
            success: APIResult(200, "A page of attempts.", .ref("AttemptPage")), problems: [.notFound]
        ) { request in
            let query = try attemptQuery(request)
            let place = try AttemptPlace(request)
            let page = try KnownAttempts(stage: stage).page(query, from: place)
            return .page(
                "attempts", page.attempts.map(AttemptView.shown.json), of: AttemptPlace.list, next: page.next?.elements)
        }
    }

    private func attemptQuery(_ request: APIRequest) throws -> AttemptQuery {
        var query = AttemptQuery()
        query.subscription = request["subscription"]
        if let event = request["event"] {
            // Attempts may outlive the event that they are about.
            query.position =
                try EventLookup.position(event) ?? EventLookup(reading: stage.reading).event(event).position
        }
        let outcomes = request["outcome"].map { [$0] } ?? []
        query.outcomes = outcomes
        if let phase = request["phase"].flatMap({ AttemptPhase(rawValue: $0) }) {
            let both = phase.outcomes.filter { outcomes.isEmpty || outcomes.contains($0) }
            // None may belong to both; an empty list would mean everything.
            query.outcomes = both.isEmpty ? [""] : both
        }
        query.since = try request.instant("since")
        query.until = try request.instant("until")
        query.limit = request.limit
        return query
    }
}
