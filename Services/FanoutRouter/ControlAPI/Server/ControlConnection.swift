import EventDelivery
import HTTPFront
import NIOCore
import NIOHTTP1
import PipelineConfiguration
import WebSocket

/// One connection of the control API: checks a request when its head is here, collects its body, has it answered, writes
/// the answer.
///
/// The HTTP pipeline before it hands over one request at a time. The front connection passes nothing on after an answer
/// that closes, and closes then.
final class ControlConnection: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case idle
        /// What comes of the body is awaited.
        case collecting(APICall, HTTPRequestHead, [UInt8])
        case answering
        /// Events go out for as long as the connection lasts.
        case streaming(EventStreamOutput)
    }

    private let responder: ControlResponder
    private var state = State.idle
    private var inputEnded = false
    /// A body must be here by then: whoever sends a byte now and then would otherwise hold a connection for ever.
    private var deadline: Scheduled<Void>?

    init(_ responder: ControlResponder) {
        self.responder = responder
    }

    func channelRead(context: ChannelHandlerContext, data part: NIOAny) {
        switch unwrapInboundIn(part) {
        case .head(let head): begin(head, context)
        case .body(let part):
            guard case .collecting(let call, let head, var body) = state else { return }
            // So that appending does not copy what is here.
            state = .idle
            guard body.count + part.readableBytes <= APIDispatcher.maxBodyBytes else {
                return write(responder.refuse(.bodyTooLarge, call), to: head, closes: true, context)
            }
            body += part.readableBytesView
            state = .collecting(call, head, body)
        case .end:
            guard case .collecting(let call, let head, let body) = state else { return }
            deadline?.cancel()
            state = .answering
            switch call.operation.push {
            case .eventStream: stream(call, head, context)
            case .webSocket(let endpoint): upgrade(call, head, endpoint, context)
            case .poll, nil: carryOut(call, head, body, context)
            }
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .streaming(let output) = state, context.channel.isWritable { output.resume() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed {
            inputEnded = true
            if case .answering = state { return }
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        if case .streaming(let output) = state { output.stop() }
        state = .idle
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        switch responder.decide(head) {
        case .refuse(let answer):
            let hasBody =
                head.headers.contains(name: "transfer-encoding")
                || head.headers.first(name: "content-length").map { $0 != "0" } ?? false
            // The front connection reads on for a while, so that whoever is still sending gets the answer.
            write(answer, to: head, closes: hasBody, context)
        case .ask(let call):
            // Of a WebSocket the first message may bring the token; until then it is a stranger.
            if !call.scopes.isEmpty {
                context.triggerUserOutboundEvent(FrontConnection.Trusted(), promise: nil)
            }
            if head.headers.first(name: "expect")?.lowercased() == "100-continue" {
                context.writeAndFlush(
                    wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
            }
            state = .collecting(call, head, [])
            let channel = context.channel
            deadline = context.eventLoop.scheduleTask(in: responder.bodyDeadline) { channel.close(promise: nil) }
        }
    }

    private func carryOut(
        _ call: APICall, _ head: HTTPRequestHead, _ body: [UInt8], _ context: ChannelHandlerContext
    ) {
        let contentType = head.headers.joined("content-type")
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        responder.carryOut(call, contentType: contentType, body: body, on: context.eventLoop) { answer in
            let (own, context) = bound.value
            let written = context.eventLoop.makePromise(of: Void.self)
            own.write(answer, to: head, closes: own.inputEnded, context, written)
            return written.futureResult
        }
    }

    private func write(
        _ answer: APIAnswer, to request: HTTPRequestHead, closes: Bool, _ context: ChannelHandlerContext,
        _ written: EventLoopPromise<Void>? = nil
    ) {
        deadline?.cancel()
        state = .idle
        guard context.channel.isActive else {
            written?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        var headers = HTTPHeaders(answer.fields.map { ($0.name, $0.value) })
        // 204 has no length (RFC 9110, section 8.6).
        if answer.status != 204 { headers.add(name: "content-length", value: String(answer.body.count)) }
        if closes { headers.add(name: "connection", value: "close") }
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD, !answer.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }
}

// MARK: Streams

extension ControlConnection {
    private func stream(_ call: APICall, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        do throws(APIProblem) {
            guard let push = responder.push else { throw APIProblem(.unavailable, "nothing can be watched here") }
            var query = try WatchQuery(call.query, push)
            if let last = head.headers.first(name: "last-event-id"), !last.isEmpty {
                guard let token = PositionToken(last) else {
                    throw APIProblem(.badRequest, "Last-Event-ID must be the id of an event of this stream")
                }
                query.start = .behind(token)
            }
            let fields: HTTPHeaders = [
                "content-type": "text/event-stream", "cache-control": "no-store", "x-content-type-options": "nosniff",
                "x-accel-buffering": "no", "connection": "close",
            ]
            let output = EventStreamOutput(context, push)
            state = .streaming(output)
            context.triggerUserOutboundEvent(FrontConnection.Lasting(), promise: nil)
            output.start(query, head: allowing(head, push, fields)) { [self] problem in
                write(responder.refuse(problem, call), to: head, closes: true, context)
            }
        } catch {
            write(responder.refuse(error, call), to: head, closes: inputEnded, context)
        }
    }

    /// The fields with which scripts of allowed pages may read the answer.
    private func allowing(_ head: HTTPRequestHead, _ push: PushService, _ fields: HTTPHeaders) -> HTTPHeaders {
        var fields = fields
        if let origin = head.headers.first(name: "origin"), push.settings.allowedOrigins.contains(origin) {
            fields.add(name: "access-control-allow-origin", value: origin)
            fields.add(name: "vary", value: "origin")
        }
        return fields
    }

    private func upgrade(
        _ call: APICall, _ head: HTTPRequestHead, _ endpoint: WebSocketEndpoint, _ context: ChannelHandlerContext
    ) {
        do throws(APIProblem) {
            let upgrade = try WebSocketUpgrade(head, endpoint)
            if let push = responder.push { try push.check(origin: head.headers.first(name: "origin")) }
            let needsToken = responder.tokens != nil && head.headers.first(name: "authorization") == nil
            let own = try endpoint.open(call, needsToken ? nil : call.scopes, upgrade.subprotocol)
            let limits = WebSocketLimits(
                messageBytes: endpoint.messageBytes, pingInterval: responder.push?.ping ?? .seconds(20))
            let channel = context.channel
            let most = (responder.push?.settings ?? PushConfiguration()).maxConnections
            guard responder.sockets.add(channel, most: most) else {
                throw APIProblem(
                    .unavailable, "\(most) WebSockets are open, which is the most; try again",
                    fields: [("retry-after", "1")])
            }
            let bound = NIOLoopBound(own, eventLoop: context.eventLoop)
            channel.pipeline.syncOperations.removeHTTP().whenComplete { result in
                guard case .success = result else { return channel.close(promise: nil) }
                channel.write(upgrade.answer, promise: nil)
                do {
                    try WebSocketConnection.addHandlers(to: channel, role: .server, limits: limits, then: [bound.value])
                    channel.flush()
                } catch {
                    channel.close(promise: nil)
                }
            }
        } catch {
            write(responder.refuse(error, call), to: head, closes: true, context)
        }
    }
}

extension ChannelPipeline.SynchronousOperations {
    /// Takes out everything that speaks HTTP.
    fileprivate func removeHTTP() -> EventLoopFuture<Void> {
        func remove<Handler: RemovableChannelHandler>(_ type: Handler.Type) -> EventLoopFuture<Void> {
            do {
                return removeHandler(context: try context(handlerType: type))
            } catch {
                return eventLoop.makeFailedFuture(error)
            }
        }
        return EventLoopFuture.andAllSucceed(
            [
                remove(ControlConnection.self), remove(HTTPServerPipelineHandler.self), remove(FrontConnection.self),
                remove(HTTPResponseEncoder.self),
            ], on: eventLoop)
    }
}

extension HTTPHeaders {
    /// The field's value; where it comes more than once all of them, as one list (RFC 9110, section 5.3).
    func joined(_ name: String) -> String? {
        let values = self[name]
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }
}
