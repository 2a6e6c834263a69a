import NIOCore
import NIOHTTP1
import NIOSSL

/// One connection to a subscriber: one request at a time, its response read to the end but for a bound.
final class DeliveryConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// A response is read up to here; what is longer costs the connection, not the delivery.
    static let responseBytes = 64 * 1024

    /// What the decoder is told of every request; the bytes themselves come from `PreparedRequestEncoder`.
    private static let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/")

    private enum Phase {
        case idle
        case waiting
        /// The head came: the outcome is known, only the rest of the response is not.
        case reading(AttemptOutcome)
    }

    /// When it was opened, and so when the address was checked.
    let opened = NIODeadline.now()
    private let encoder: PreparedRequestEncoder
    /// Whether a TLS handshake has to come first and is not over yet.
    private var awaitsHandshake: Bool
    /// Called when the connection can take another request or is gone.
    private var released: ((DeliveryConnection, _ reusable: Bool) -> Void)?
    private var completion: ConnectionPool.Completion?
    private var phase = Phase.idle
    private var keepAlive = true
    private var bodyBytes = 0
    /// The first bytes of the response's body.
    private var answer: [UInt8] = []
    private var answerBytes = 0
    /// Whether the socket took the whole request under way.
    private var isSent = false
    /// When the request under way has to be answered.
    private var deadline = NIODeadline.distantFuture
    /// One timer serves many requests: it is left alone when a request ends, and armed anew when it comes too early.
    private var timer: (due: NIODeadline, task: Scheduled<Void>)?
    private var context: ChannelHandlerContext?
    /// Requests begun on this connection; above one, a close before the answer may be a race with the server's own
    /// idle time-out.
    private(set) var requests = 0

    init(
        encoder: PreparedRequestEncoder, isTLS: Bool, released: @escaping (DeliveryConnection, _ reusable: Bool) -> Void
    ) {
        self.encoder = encoder
        awaitsHandshake = isTLS
        self.released = released
    }

    var isOpen: Bool { context?.channel.isActive ?? false }

    /// Writes a request. The connection must be idle.
    func send(_ request: OutboundRequest, deadline: NIODeadline, completion: @escaping ConnectionPool.Completion) {
        guard let context, context.channel.isActive else {
            completion(.failed(.connectionClosed, "the connection was closed before the request"))
            return
        }
        requests += 1
        self.completion = completion
        phase = .waiting
        keepAlive = true
        bodyBytes = 0
        answerBytes = request.answerBytes
        isSent = false
        self.deadline = deadline
        armTimer(on: context.eventLoop)
        encoder.prepared = request.head
        writeHead(context)
        let number = requests
        let body = context.write(wrapOutboundOut(.body(.byteBuffer(request.body))))
        body.assumeIsolated().whenSuccess { [weak self] in
            guard let self, requests == number else { return }
            isSent = true
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    private func writeHead(_ context: ChannelHandlerContext) {
        guard awaitsHandshake else { return context.write(wrapOutboundOut(.head(Self.head)), promise: nil) }
        // The TLS handler holds it back until the handshake is over.
        context.write(wrapOutboundOut(.head(Self.head))).assumeIsolated().whenSuccess { [weak self] in
            self?.awaitsHandshake = false
        }
    }

    /// Closes the connection; a request under way fails.
    func close() {
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        timer?.task.cancel()
        timer = nil
    }

    func channelRead(context: ChannelHandlerContext, data part: NIOAny) {
        switch unwrapInboundIn(part) {
        case .head(let head):
            guard case .waiting = phase else { return }
            keepAlive = head.isKeepAlive
            let retryAfter = RetryAfter.seconds(
                head.headers.first(name: "retry-after"), date: head.headers.first(name: "date"))
            let status = Int(head.status.code)
            let location = (300..<400).contains(status) ? head.headers.first(name: "location") : nil
            phase = .reading(
                .answered(
                    status: status, retryAfterSeconds: retryAfter, location: location.map { RedirectLocation.shown($0) }
                ))
        case .body(let bytes):
            bodyBytes += bytes.readableBytes
            keep(bytes)
            if bodyBytes > Self.responseBytes { end(reusable: false) }
        case .end:
            end(reusable: keepAlive)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(reusable: false)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .waiting = phase {
            finish(outcome(of: error), reusable: false)
        } else {
            end(reusable: false)
        }
        context.close(promise: nil)
    }

    private func outcome(of error: any Error) -> AttemptOutcome {
        let text = NetworkErrorText.text(error)
        switch error {
        case is HTTPParserError, is ByteToMessageDecoderError.PayloadTooLargeError:
            return .failed(.responseMalformed, text)
        case NIOSSLError.uncleanShutdown where !awaitsHandshake: return connectionLost(text)
        // With TLS 1.3 a server says only after the handshake that it does not take the client's certificate.
        case is BoringSSLError where requests > 1: return connectionLost(text)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: return .failed(.tlsFailed, text)
        case _ where awaitsHandshake:
            return .failed(.tlsFailed, "\(text), during the TLS handshake; does the port speak TLS?")
        default: return connectionLost(text)
        }
    }

    /// A request that was not sent whole cannot have been taken.
    private func connectionLost(_ detail: String) -> AttemptOutcome {
        .failed(isSent ? .connectionClosed : .notSent, detail)
    }

    private func armTimer(on eventLoop: any EventLoop) {
        if let timer {
            guard deadline < timer.due else { return }
            timer.task.cancel()
        }
        let due = deadline
        timer = (due, eventLoop.assumeIsolated().scheduleTask(deadline: due) { [weak self] in self?.timerEnded() })
    }

    private func timerEnded() {
        timer = nil
        if case .idle = phase { return }
        guard deadline <= .now() else {
            if let context { armTimer(on: context.eventLoop) }
            return
        }
        timedOut()
    }

    private func timedOut() {
        guard case .waiting = phase else { return end(reusable: false) }
        let outcome: AttemptOutcome =
            if awaitsHandshake {
                .failed(.connectTimeout, "no TLS handshake within the time-out")
            } else {
                .failed(
                    .timeout,
                    isSent
                        ? "no complete answer within the time-out"
                        : "the whole request was not taken within the time-out")
            }
        finish(outcome, reusable: false)
    }

    private func end(reusable: Bool) {
        switch phase {
        case .idle:
            if !reusable { release(reusable: false) }
        case .waiting:
            finish(connectionLost("the subscriber closed the connection"), reusable: false)
        case .reading(let outcome):
            finish(outcome, reusable: reusable)
        }
    }

    private func finish(_ outcome: AttemptOutcome, reusable: Bool) {
        phase = .idle
        let completion = self.completion
        self.completion = nil
        var outcome = outcome
        if !answer.isEmpty { swap(&outcome.answer, &answer) }
        release(reusable: reusable)
        completion?(outcome)
    }

    private func keep(_ bytes: ByteBuffer) {
        guard answer.count < answerBytes, case .reading = phase else { return }
        answer += bytes.readableBytesView.prefix(answerBytes - answer.count)
    }

    private func release(reusable: Bool) {
        let released = self.released
        if !reusable {
            self.released = nil
            context?.close(promise: nil)
        }
        released?(self, reusable)
    }
}

/// Stands between decoder and socket: the decoder must see typed parts to know what a response answers, the socket
/// gets the bytes that were prepared.
final class PreparedRequestEncoder: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = ByteBuffer

    var prepared = ByteBuffer()

    func write(context: ChannelHandlerContext, data part: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(part) {
        case .head:
            context.write(wrapOutboundOut(prepared), promise: promise)
            prepared = ByteBuffer()
        case .body(.byteBuffer(let body)):
            context.write(wrapOutboundOut(body), promise: promise)
        case .body(.fileRegion), .end:
            promise?.succeed()
        }
    }
}
