import EventDelivery
import JSON
import NIOCore
import PipelineConfiguration
import WebSocket

/// One client of `/v1/stream`: `cloudevents.json` (CloudEvents WebSocket binding 1.0.2: an event per text message and
/// nothing else) or `tributary.v1` (Services/FanoutRouter/PUSH.md). Belongs to its connection's event loop.
final class StreamConnection: WatchingConnection, @unchecked Sendable {
    enum Subprotocol: String, CaseIterable {
        case cloudEvents = "cloudevents.json"
        case tributary = "tributary.v1"
    }

    private let subprotocol: Subprotocol
    private let query: WatchQuery
    private let tokens: APITokens?
    /// The first message has to bring a token, where none is here yet.
    private var isKnown: Bool
    private var format = SubscriptionFormat.cloudevents
    /// The name under which what is acknowledged is kept.
    private var cursor: String?

    /// `query`: what `cloudevents.json` watches, and where. `isKnown`: a token came with the request, or none is needed.
    init(_ service: PushService, _ subprotocol: Subprotocol, _ query: WatchQuery, tokens: APITokens?, isKnown: Bool) {
        (self.subprotocol, self.query, self.tokens, self.isKnown) = (subprotocol, query, tokens, isKnown)
        super.init(service)
    }

    override func opened() {
        guard isKnown else {
            return after(Self.tokenDeadline) { [self] in
                end(.policyViolation, "unauthorized: the first message brings a token")
            }
        }
        if subprotocol == .cloudEvents { watch(query.filter, from: query.start ?? .latest) }
    }

    // MARK: Inbound

    override func receive(_ message: WebSocketMessage) {
        guard case .text(let bytes) = message, let message = JSONValue.read(Array(bytes.readableBytesView)) else {
            return end(.unsupportedData, "messages are JSON texts")
        }
        do throws(APIProblem) {
            switch (message["type"].text, watcher) {
            case ("authenticate", _) where !isKnown: try authenticate(message)
            case (_, _) where !isKnown:
                throw APIProblem(.unauthorized, "the first message is authenticate, with a token")
            case (_, _) where subprotocol == .cloudEvents: end(.unsupportedData, "this subprotocol takes no messages")
            case ("subscribe", _) where isWatching:
                throw APIProblem(.conflict, "a connection has one subscription; change it with filter")
            case ("subscribe", _): try subscribe(message)
            case ("filter", let watcher?):
                hub.change(watcher, to: try service.filter(message["filter"]))
                send(StreamMessages.text("filtered"))
            case ("acknowledge", _?): try acknowledge(message)
            case (let type, _):
                throw APIProblem(.badRequest, "no message is called \"\(type.prefix(100))\" here")
            }
        } catch {
            refuse(error)
        }
    }

    private func authenticate(_ message: JSONValue) throws(APIProblem) {
        _ = try tokens?.authorise("Bearer \(message["token"].text)", needs: .read, "streamEvents")
        cancelTimer()
        isKnown = true
        if subprotocol == .cloudEvents {
            watch(query.filter, from: query.start ?? .latest)
        } else {
            send(StreamMessages.text("authenticated"))
        }
    }

    private func subscribe(_ message: JSONValue) throws(APIProblem) {
        let known: Set = ["type", "filter", "from", "format", "cursor"]
        if case .object(let members) = message, let other = members.first(where: { !known.contains($0.name) }) {
            throw APIProblem(.invalid, "subscribe has no member \"\(other.name.prefix(100))\"")
        }
        if message["format"] != .null {
            guard let format = SubscriptionFormat(rawValue: message["format"].text) else {
                throw APIProblem(.invalid, "format is one of the formats of subscriptions")
            }
            self.format = format
        }
        if message["cursor"] != .null {
            guard WatchStart.isCursorName(message["cursor"].text) else {
                throw APIProblem(.invalid, "cursor is a name of 1 to 64 letters, digits, - and _")
            }
            cursor = message["cursor"].text
        }
        let from = message["from"].text
        guard let start = from.isEmpty ? cursor.map(WatchStart.cursor) ?? .latest : WatchStart(from) else {
            throw APIProblem(.invalid, "from is \(WatchStart.expected)")
        }
        let filter = message["filter"] == .null ? query.filter : try service.filter(message["filter"])
        watch(filter, from: start) { [self] watcher in
            send(StreamMessages.text("subscribed", [("token", .string("\(hub.token(of: watcher))"))]))
        }
    }

    private func acknowledge(_ message: JSONValue) throws(APIProblem) {
        guard let cursor else { throw APIProblem(.conflict, "subscribe named no cursor to keep the place under") }
        guard let token = PositionToken(message["token"].text),
            let (position, isKept) = token.position(in: hub.lineage),
            isKept
        else {
            throw APIProblem(.invalid, "token is that of an event of this log")
        }
        hub.acknowledge(position, as: cursor) { [weak self] in
            self?.send(StreamMessages.text("acknowledged", [("token", .string("\(token)"))]))
            self?.flush()
        }
    }

    private func refuse(_ problem: APIProblem) {
        if subprotocol == .tributary { send(StreamMessages.problem(problem)) }
        // A filter that is wrong costs nobody the connection.
        if isWatching, problem.code == .invalid || problem.code == .conflict { return flush() }
        end(.policyViolation, "\(problem.code.rawValue): \(problem.detail)")
    }

    // MARK: Outbound

    override func write(_ event: WatchedEvent) {
        send(
            subprotocol == .cloudEvents
                ? event.json.buffer : StreamMessages.event(event, hub.token(event.position), as: format))
    }

    override func writeGap(_ gap: WatchGap) {
        guard subprotocol == .tributary, let watcher else {
            // There is no message that could say it, so the client is told by the end of the connection.
            return end(.policyViolation, "gap: \(gap.sentence); begin with from=earliest or without a token")
        }
        let token = gap.positions.map { hub.token($0.upperBound) } ?? hub.token(of: watcher)
        send(StreamMessages.gap(gap, behind: token, from: gap.positions.map { hub.token($0.lowerBound - 1) }))
    }

    override func writeCaughtUp() {
        if subprotocol == .tributary {
            send(StreamMessages.text("caught_up", [("token", .string("\(hub.headToken)"))]))
        }
    }

    private func send(_ bytes: ByteBuffer) { send(.text(bytes)) }
}
