import NIOCore
import NIOHTTP1
import NIOPosix

/// One connection to the admin endpoint: collects a request, has it answered, writes the answer.
///
/// The HTTP pipeline before it hands over one request at a time, so there is never more than one in the making.
final class AdminConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let dispatcher: AdminDispatcher
    private let maxBodyBytes: Int
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var isAnswering = false

    init(dispatcher: AdminDispatcher) {
        self.dispatcher = dispatcher
        maxBodyBytes = dispatcher.maxBodyBytes
    }

    func channelRead(context: ChannelHandlerContext, data part: NIOAny) {
        switch unwrapInboundIn(part) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let part):
            guard body.count + part.readableBytes <= maxBodyBytes else {
                // The front connection passes nothing on after an answer that closes.
                let sentence = "a request may hold \(maxBodyBytes) bytes at most"
                write(.error(413, "body_too_large", sentence), keepAlive: false, context)
                return
            }
            body += part.readableBytesView
        case .end:
            guard let head else { return }
            self.head = nil
            isAnswering = true
            answer(head, context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            if !isAnswering { context.close(promise: nil) }
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let keepAlive = head.isKeepAlive
        let contentType = head.headers.first(name: "content-type")
        guard
            let request = AdminRequest(
                method: head.method.rawValue, target: head.uri, contentType: contentType, body: body)
        else {
            write(.error(400, "bad_target", "the request target is not a path"), keepAlive: false, context)
            return
        }
        body = []
        switch dispatcher.decide(request) {
        case .reply(let reply):
            write(reply, keepAlive: keepAlive, isHead: head.method == .HEAD, context)
        case .ask(let route):
            let isHead = head.method == .HEAD
            let reply = dispatcher.pool.runIfActive(eventLoop: context.eventLoop) { route.respond(request) }
            reply.assumeIsolated().whenComplete { result in
                switch result {
                case .success(let reply): self.write(reply, keepAlive: keepAlive, isHead: isHead, context)
                case .failure:
                    // It waited for a thread when the endpoint was closed.
                    self.write(.error(503, "stage_stopping", "this stage is being stopped"), keepAlive: false, context)
                }
            }
        }
    }

    private func write(
        _ reply: AdminReply, keepAlive: Bool, isHead: Bool = false, _ context: ChannelHandlerContext
    ) {
        isAnswering = false
        guard context.channel.isActive else { return }
        var headers: HTTPHeaders = ["Connection": keepAlive ? "keep-alive" : "close"]
        if !reply.contentType.isEmpty { headers.add(name: "Content-Type", value: reply.contentType) }
        // 204 has no length (RFC 9110, section 8.6).
        if reply.status != 204 { headers.add(name: "Content-Length", value: String(reply.body.count)) }
        for field in reply.fields { headers.add(name: field.name, value: field.value) }
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: reply.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !isHead {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: reply.body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
