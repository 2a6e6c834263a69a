import EventDelivery
import JSON
import NIOCore
import PipelineConfiguration
import WebSocket

/// One client of `/v1/stream`: `cloudevents.json` (CloudEvents WebSocket binding 1.0.2: an event per text message and
/// nothing else) or `tributary.v1` (Services/FanoutRouter/PUSH.md). Belongs to its connection's event loop.
///
/// `@unchecked Sendable`: made and used on that loop alone, which an endpoint's `open` cannot say.
final class StreamConnection: ChannelInboundHandler, WatcherOutput, @unchecked Sendable {
    typealias InboundIn = WebSocketMessage
    typealias OutboundOut = WebSocketMessage

    enum Subprotocol: String, CaseIterable {
        case cloudEvents = "cloudevents.json"
        case tributary = "tributary.v1"
    }

    private enum State {
        /// The first message has to bring a token.
        case stranger
        case known
        case watching(Watcher)
        case ended
    }

    /// Within which a token must be here that did not come with the request.
    static let tokenDeadline = TimeAmount.seconds(5)

    private let service: PushService
    private let subprotocol: Subprotocol
    private let query: WatchQuery
    private let tokens: APITokens?
    private var state: State
    private var format = SubscriptionFormat.cloudevents
    /// The name under which what is acknowledged is kept.
    private var cursor: String?
    private var context: ChannelHandlerContext?
    private var deadline: Scheduled<Void>?

    /// `query`: what `cloudevents.json` watches, and where. `isKnown`: a token came with the request, or none is needed.
    init(_ service: PushService, _ subprotocol: Subprotocol, _ query: WatchQuery, tokens: APITokens?, isKnown: Bool) {
        (self.service, self.subprotocol, self.query, self.tokens) = (service, subprotocol, query, tokens)
        state = isKnown ? .known : .stranger
    }

    private var hub: PushHub { service.hub.value }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        guard case .known = state else {
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            deadline = context.eventLoop.scheduleTask(in: Self.tokenDeadline) {
                bound.value.end(.policyViolation, "unauthorized: the first message brings a token")
            }
            return
        }
        if subprotocol == .cloudEvents { watch(query.filter, from: query.start ?? .latest) }
    }

    // MARK: Inbound

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .text(let bytes) = unwrapInboundIn(data),
            let message = JSONValue.read(Array(bytes.readableBytesView))
        else { return end(.unsupportedData, "messages are JSON texts") }
        do throws(APIProblem) {
            switch (state, message["type"].text) {
            case (.ended, _): return
            case (.stranger, "authenticate"): try authenticate(message)
            case (.stranger, _): throw APIProblem(.unauthorized, "the first message is authenticate, with a token")
            case (_, _) where subprotocol == .cloudEvents: end(.unsupportedData, "this subprotocol takes no messages")
            case (.known, "subscribe"): try subscribe(message)
            case (.watching(let watcher), "filter"):
                hub.change(watcher, to: try service.filter(message["filter"]))
                send(StreamMessages.text("filtered"))
            case (.watching, "acknowledge"): try acknowledge(message)
            case (.watching, "subscribe"):
                throw APIProblem(.conflict, "a connection has one subscription; change it with filter")
            case (_, let type):
                throw APIProblem(.badRequest, "no message is called \"\(type.prefix(100))\" here")
            }
        } catch {
            refuse(error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
        context.fireChannelReadComplete()
    }

    private func authenticate(_ message: JSONValue) throws(APIProblem) {
        _ = try tokens?.authorise("Bearer \(message["token"].text)", needs: .read, "streamEvents")
        deadline?.cancel()
        state = .known
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
        watch(message["filter"] == .null ? query.filter : try service.filter(message["filter"]), from: start)
    }

    private func acknowledge(_ message: JSONValue) throws(APIProblem) {
        guard let cursor else { throw APIProblem(.conflict, "subscribe named no cursor to keep the place under") }
        guard let token = PositionToken(message["token"].text), let position = token.position(in: hub.logID) else {
            throw APIProblem(.invalid, "token is that of an event of this log")
        }
        hub.acknowledge(position, as: cursor) { [weak self] in
            self?.send(StreamMessages.text("acknowledged", [("token", .string("\(token)"))]))
            self?.context?.flush()
        }
    }

    private func refuse(_ problem: APIProblem) {
        if subprotocol == .tributary { send(StreamMessages.problem(problem)) }
        // A filter that is wrong costs nobody the connection.
        if case .watching = state, problem.code == .invalid || problem.code == .conflict {
            context?.flush()
            return
        }
        end(.policyViolation, "\(problem.code.rawValue): \(problem.detail)")
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is WebSocketClosed { stop() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .watching(let watcher) = state, context.channel.isWritable { hub.resume(watcher) }
        context.fireChannelWritabilityChanged()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        stop()
        self.context = nil
    }

    // MARK: Watching

    private func watch(_ filter: SubscriptionFilter, from start: WatchStart) {
        hub.add(filter, from: start, output: self) { [self] watcher in
            guard let watcher else { return end(.tryAgainLater, "too many watch already, or the router stops") }
            if case .ended = state { return hub.remove(watcher) }
            state = .watching(watcher)
            if subprotocol == .tributary {
                send(StreamMessages.text("subscribed", [("token", .string("\(hub.token(of: watcher))"))]))
            }
        }
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func write(_ event: WatchedEvent) {
        send(
            subprotocol == .cloudEvents
                ? event.json : StreamMessages.event(event, hub.token(event.position), as: format))
    }

    func writeGap(_ gap: WatchGap) {
        guard subprotocol == .tributary, case .watching(let watcher) = state else {
            // There is no message that could say it, so the client is told by the end of the connection.
            return end(.policyViolation, "gap: \(gap.sentence); begin with from=earliest or without a token")
        }
        let token = gap.positions.map { hub.token($0.upperBound) } ?? hub.token(of: watcher)
        send(StreamMessages.gap(gap, behind: token, from: gap.positions.map { hub.token($0.lowerBound - 1) }))
    }

    func writeCaughtUp() {
        if subprotocol == .tributary {
            send(StreamMessages.text("caught_up", [("token", .string("\(hub.headToken)"))]))
        }
    }

    func flush() { context?.flush() }

    func close(_ reason: WatchEnd) {
        switch reason {
        case .tooSlow:
            end(.tryAgainLater, "too slow: nothing could be written for too long; go on behind the last event")
        case .stopping: end(.goingAway, "the router stops; go on behind the last event")
        }
    }

    private func send(_ bytes: ByteBuffer) {
        context?.write(wrapOutboundOut(.text(bytes)), promise: nil)
    }

    private func end(_ code: WebSocketCloseCode, _ reason: String) {
        guard let context else { return }
        stop()
        context.flush()
        context.triggerUserOutboundEvent(WebSocketClose(code, reason), promise: nil)
    }

    private func stop() {
        deadline?.cancel()
        if case .watching(let watcher) = state { hub.remove(watcher) }
        state = .ended
    }
}
