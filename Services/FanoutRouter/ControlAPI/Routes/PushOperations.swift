import EventDelivery
import JSON
import PipelineConfiguration
import Primitives

extension RouterAPI {
    var pushOperations: [APIOperation] { [eventStream, stream, notifier] }

    static let pushSchemas: [(String, APISchema)] = [
        (
            "NextEvents",
            .object(
                [
                    "events": .array(
                        of: APISchema(raw: .object(["type": .string("object")])), "CloudEvents, oldest first."),
                    "gaps": .array(of: .string(), "What is no longer kept, in words; usually empty."),
                    "next": .string("Pass it as `after` to go on."),
                ], required: ["events", "gaps", "next"])
        )
    ]

    private var eventStream: APIOperation {
        APIOperation(
            "watchEvents", .get, "/v1/events/stream", scope: .read, summary: "Sends events as they come (SSE).",
            description: "Server-sent events: `id` is a position token, `event` the type, `data` the CloudEvent. After "
                + "an interruption `Last-Event-ID` goes on behind the last one. `gap` says what is no longer kept, "
                + "`caught_up` that everything up to there was sent.",
            parameters: WatchQuery.parameters,
            success: APIResult(
                200, "Events for as long as the connection lasts.", .string(), contentType: "text/event-stream"),
            problems: [.unavailable, .invalid], push: .eventStream
        ) { _ throws(APIProblem) in throw Self.notHere }
    }

    private var stream: APIOperation {
        APIOperation(
            "streamEvents", .get, "/v1/stream", scope: .read, summary: "Sends events as they come (WebSocket).",
            description: "Subprotocols: `cloudevents.json` (the CloudEvents WebSocket binding; filter and place in the "
                + "query) and `tributary.v1` (filters that change, named cursors, acknowledgements, gaps). Who cannot "
                + "set header fields sends `{\"type\":\"authenticate\",\"token\":\"…\"}` first.",
            parameters: WatchQuery.parameters,
            success: APIResult(101, "The protocol changes.", nil), problems: [.forbidden, .invalid],
            push: .webSocket(
                WebSocketEndpoint(subprotocols: StreamConnection.Subprotocol.allCases.map(\.rawValue)) {
                    [push, tokens] call, scopes, subprotocol throws(APIProblem) in
                    StreamConnection(
                        push, subprotocol.flatMap(StreamConnection.Subprotocol.init) ?? .cloudEvents,
                        try WatchQuery(call.query, push), tokens: tokens, isKnown: scopes != nil)
                })
        ) { _ throws(APIProblem) in throw Self.notHere }
    }

    private var notifier: APIOperation {
        APIOperation(
            "notifyServers", .get, "/socket/server/websocket", scope: .read,
            summary: "Sends events of Fishjam's as a Fishjam server does (WebSocket).",
            description: "For Fishjam's server SDKs, also below a prefix: binary messages, each a `ServerMessage` in "
                + "protobuf. The first of the client's is an `auth_request` with the token, then come "
                + "`subscribe_request`s.",
            success: APIResult(101, "The protocol changes.", nil), problems: [.forbidden],
            push: .webSocket(
                WebSocketEndpoint(messageBytes: NotifierConnection.messageBytes, takesPrefix: true) {
                    [push, reports, tokens] _, scopes, _ throws(APIProblem) in
                    NotifierConnection(push, reports, tokens: scopes == nil ? tokens : nil)
                })
        ) { _ throws(APIProblem) in throw Self.notHere }
    }

    private static let notHere = APIProblem(
        .badRequest, "streams are served on router.listen and on the socket <instance>.stream, not on the admin socket")
}

extension EventPoll {
    /// Nil where the request is a search of the log.
    init?(_ call: APICall, _ service: PushService) throws(APIProblem) {
        let pairs = try PercentCoding.query(call.query)
        guard pairs.contains(where: { $0.0 == "wait" || $0.0 == "after" && PositionToken($0.1) != nil }) else {
            return nil
        }
        let query = try WatchQuery(call.query, service, others: ["wait", "limit"])
        let wait = query.others["wait"] ?? "0s"
        guard let duration = wait == "0" ? .zero : DurationText.parse(wait), duration >= .zero,
            duration <= Self.mostWait
        else {
            throw APIProblem(.badRequest, "wait must be a duration such as 30s, 60s at most")
        }
        guard let limit = Int(query.others["limit"] ?? "100"), (1...1000).contains(limit) else {
            throw APIProblem(.badRequest, "limit must be a whole number from 1 to 1000")
        }
        self.init(service: service, query: query, wait: duration, limit: limit)
    }
}
