import HTTPFront
import NIOCore
import NIOHTTP1

/// One connection of the control API: checks a request when its head is here, collects its body, has it answered, writes
/// the answer.
///
/// The HTTP pipeline before it hands over one request at a time. The front connection passes nothing on after an answer
/// that closes, and closes then.
final class ControlConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case idle
        /// What comes of the body is awaited.
        case collecting(APICall, HTTPRequestHead, [UInt8])
        case answering
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
            carryOut(call, head, body, context)
        }
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
            if call.operation.scope != nil {
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

extension HTTPHeaders {
    /// The field's value; where it comes more than once all of them, as one list (RFC 9110, section 5.3).
    func joined(_ name: String) -> String? {
        let values = self[name]
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }
}
