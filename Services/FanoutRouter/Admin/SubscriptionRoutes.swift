import EventLog
import StageRuntime

extension AdminRoutes {
    /// `GET /subscriptions`: the state of every lane.
    func subscriptions() throws -> AdminReply {
        struct State: Sendable {
            var name: String
            var url: String
            var cursor: UInt64
            var inFlight: Int
            var retrying: Int
            var backlog: Int
            var disabled: String?
            var breaker: String
            var concurrency: Int
        }
        let states = try stage.withHub { hub in
            hub.lanes.map { lane in
                State(
                    name: lane.settings.name, url: lane.settings.endpoint.text, cursor: lane.cursor.taken,
                    inFlight: lane.cursor.inFlight, retrying: lane.cursor.retryingCount, backlog: lane.backlog,
                    disabled: lane.cursor.disabledReason, breaker: lane.gate.breaker.state.word,
                    concurrency: lane.gate.concurrency.limit)
            }
        }
        let dead = try stage.reading.read { try $0.deadLetterCounts() }
        return .json(
            200,
            .object([
                (
                    "subscriptions",
                    .array(
                        states.map { state in
                            .object([
                                ("name", .string(state.name)), ("url", .string(state.url)),
                                ("state", .string(state.disabled == nil ? "active" : "disabled")),
                                ("disabled_reason", .optional(state.disabled) { .string($0) }),
                                ("breaker", .string(state.breaker)), ("concurrency", .number(state.concurrency)),
                                ("cursor", .number(state.cursor)), ("in_flight", .number(state.inFlight)),
                                ("retrying", .number(state.retrying)), ("backlog", .number(state.backlog)),
                                ("dead", .number(dead[state.name] ?? 0)),
                            ])
                        })
                )
            ]))
    }

    /// `POST /subscriptions/{name}/enable`: a disabled subscription goes on where it stopped.
    func enableSubscription(_ request: AdminRequest) throws -> AdminReply {
        let parts = Self.tail(request)
        guard parts.count == 2, parts[1] == "enable" else {
            return .error(404, "not_found", "expected /subscriptions/{name}/enable")
        }
        let name = parts[0]
        let isKnown = try stage.withHub { hub in
            guard let lane = hub.lane(name) else { return false }
            lane.enable()
            return true
        }
        return isKnown
            ? .json(200, .object([("enabled", .bool(true))]))
            : .error(404, "not_found", "no subscription is named \(name)")
    }
}
