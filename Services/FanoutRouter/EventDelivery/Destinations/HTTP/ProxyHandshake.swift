import Egress
import NIOCore

/// Asks an egress proxy for one connection and says whether it made it. To be removed from the pipeline then.
///
/// Confined to its event loop.
final class ProxyHandshake: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What the head of a reply may have.
    static let replyBytes = 8192

    private let request: [UInt8]
    private let deadline: NIODeadline
    private var state = State.waiting(nil)
    private var reply: [UInt8] = []
    private var timer: Scheduled<Void>?

    private enum State {
        case waiting(((AttemptOutcome?) -> Void)?)
        /// Nil: the connection is made.
        case over(AttemptOutcome?)
    }

    init(request: [UInt8], deadline: NIODeadline) {
        self.request = request
        self.deadline = deadline
    }

    /// Calls `done` once, now or later; with nil where the connection is made.
    func whenOver(_ done: @escaping (AttemptOutcome?) -> Void) {
        switch state {
        case .waiting: state = .waiting(done)
        case .over(let outcome): done(outcome)
        }
    }

    func channelActive(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(deadline: deadline) {
            let (handshake, context) = bound.value
            handshake.end(
                .failed(.connectTimeout, "the egress proxy made no connection within the time-out"), context)
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: request)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .waiting = state else { return }
        reply += unwrapInboundIn(data).readableBytesView
        guard let end = Self.headEnd(reply) else {
            if reply.count > Self.replyBytes { fail("its reply has no end", context) }
            return
        }
        guard let status = Self.status(reply) else { return fail("its reply is not HTTP", context) }
        guard (200..<300).contains(status) else { return fail(Self.refusal(status, reply), context) }
        // A subscriber says nothing before it is asked, over TLS neither.
        guard end == reply.count else { return fail("it sent bytes of its own after its reply", context) }
        settle(nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail("it closed the connection", context)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(NetworkErrorText.text(error), context)
    }

    private func fail(_ what: String, _ context: ChannelHandlerContext) {
        end(.failed(.connectFailed, "the egress proxy made no connection: \(what)"), context)
    }

    private func end(_ outcome: AttemptOutcome, _ context: ChannelHandlerContext) {
        guard case .waiting = state else { return }
        // First, because closing tells this very object of a connection that is closed.
        settle(outcome)
        context.close(promise: nil)
    }

    private func settle(_ outcome: AttemptOutcome?) {
        timer?.cancel()
        guard case .waiting(let done) = state else { return }
        state = .over(outcome)
        done?(outcome)
    }

    private static func refusal(_ status: Int, _ reply: [UInt8]) -> String {
        let line = reply.prefix { $0 != 0x0D && $0 != 0x0A }.dropFirst("HTTP/1.1 ".utf8.count)
        let text = String(decoding: line.prefix(100).filter { $0 >= 0x20 && $0 < 0x7F }, as: UTF8.self)
        return status == 407 ? "\(text) (see the credentials of router.egress_proxy)" : text
    }

    /// The index behind the empty line.
    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (4...bytes.count).first { bytes[($0 - 4)..<$0].elementsEqual([0x0D, 0x0A, 0x0D, 0x0A]) }
    }

    /// The status of `HTTP/1.x NNN …`.
    private static func status(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 13, bytes.starts(with: "HTTP/1.".utf8), bytes[8] == 0x20 else { return nil }
        return Int(String(decoding: bytes[9..<12], as: UTF8.self))
    }
}
