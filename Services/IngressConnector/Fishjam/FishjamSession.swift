import NIOCore
import StageMetrics
import WebSocket

/// One connection to a Fishjam server. Confined to its event loop.
final class FishjamSession: ChannelInboundHandler {
    typealias InboundIn = WebSocketMessage
    typealias OutboundOut = WebSocketMessage

    private let connector: FishjamConnector
    private let promise: EventLoopPromise<(Bool, String)>
    private var handshake: FishjamHandshake
    private var isSubscribed = false
    /// Why this side ends it.
    private var reason: String?
    private var deadline: Scheduled<Void>?

    /// From the beginning until notifications can come.
    private static let handshakeTimeout = TimeAmount.seconds(10)

    /// `promise` gets whether notifications could come, and why the connection ended.
    init(_ connector: FishjamConnector, _ promise: EventLoopPromise<(Bool, String)>) {
        self.connector = connector
        self.promise = promise
        handshake = connector.handshake
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: Self.handshakeTimeout) {
            let (session, context) = bound.value
            session.close("the server did not answer the handshake within 10 s", context)
        }
        send(FishjamHandshake.request(token: connector.token), context)
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard reason == nil else { return }
        guard case .binary(let bytes) = unwrapInboundIn(data) else { return close("it sent a text", context) }
        switch handshake.receive(bytes.readableBytesView.first) {
        case .send(let messages): for each in messages { send(each, context) }
        case .none: break
        case .refuse(let sentence): close(sentence, context)
        case .subscribed:
            deadline?.cancel()
            isSubscribed = true
            connector.subscribed(failed: failing(context))
        case .notification: connector.take(Array(bytes.readableBytesView), failed: failing(context))
        }
    }

    /// Also after pings and pongs.
    func channelReadComplete(context: ChannelHandlerContext) {
        if reason == nil { connector.heard() }
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let closed = event as? WebSocketClosed, reason == nil {
            end(handshake.sentence(closedWith: closed.code.rawValue, closed.reason))
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(reason ?? "the connection broke")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end("\(error)")
        context.close(promise: nil)
    }

    /// What is called, from any thread, when something that came cannot be kept.
    private func failing(_ context: ChannelHandlerContext) -> @Sendable () -> Void {
        let (bound, lostAt) = (NIOLoopBound((self, context), eventLoop: context.eventLoop), wallNanoseconds())
        return { [connector, eventLoop = context.eventLoop] in
            connector.ended("the journal took nothing", lostAt: lostAt)
            eventLoop.execute {
                let (session, context) = bound.value
                session.close("the journal took nothing", context)
            }
        }
    }

    private func close(_ reason: String, _ context: ChannelHandlerContext) {
        guard self.reason == nil else { return }
        self.reason = reason
        connector.ended(reason)
        context.triggerUserOutboundEvent(WebSocketClose(.goingAway, reason), promise: nil)
    }

    private func end(_ reason: String) {
        connector.ended(reason)
        promise.succeed((isSubscribed, reason))
    }

    private func send(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(.binary(ByteBuffer(bytes: bytes))), promise: nil)
    }
}
