import Egress
import HTTPFront
import NIOCore
import NIOSSL
import NIOTLS

/// One connection to a subscriber: one request at a time, its response read to the end but for a bound.
final class DeliveryConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A response is read up to here; what is longer costs the connection, not the delivery.
    static let responseBytes = 64 * 1024

    private enum Phase {
        case idle
        case waiting
        /// The head came: the outcome is known, only the rest of the response is not.
        case reading(AttemptOutcome)
    }

    /// When it was opened, and so when the address was checked.
    let opened = NIODeadline.now()
    /// Whether a TLS handshake has to come first and is not over yet.
    private var awaitsHandshake: Bool
    /// Told once when the certificate of the other side ends to count.
    private let certificateSeen: (Int) -> Void
    /// Called when the connection can take another request or is gone.
    private var released: ((DeliveryConnection, _ reusable: Bool) -> Void)?
    private var completion: ConnectionPool.Completion?
    private var phase = Phase.idle
    private var reader = ResponseReader()
    private var bodyBytes = 0
    /// The first bytes of the response's body.
    private var answer: [UInt8] = []
    private var answerBytes = 0
    private var restNanoseconds: Int64 = 0
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
        isTLS: Bool, certificateSeen: @escaping (Int) -> Void,
        released: @escaping (DeliveryConnection, _ reusable: Bool) -> Void
    ) {
        awaitsHandshake = isTLS
        self.certificateSeen = certificateSeen
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
        reader = ResponseReader()
        bodyBytes = 0
        answerBytes = request.answerBytes
        restNanoseconds = request.restNanoseconds
        isSent = false
        self.deadline = deadline
        armTimer(on: context.eventLoop)
        let number = requests
        // The TLS handler holds it back until the handshake is over.
        request.write { context.write(wrapOutboundOut($0)) }.assumeIsolated().whenSuccess { [self] in
            if requests == number { isSent = true }
        }
        context.flush()
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

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        // Nothing was asked: the server ends an idle connection, as with an early 408.
        if case .idle = phase { return release(reusable: false) }
        do throws(ResponseReader.Malformed) {
            var failure: ResponseReader.Malformed?
            bytes.withUnsafeReadableBytes { bytes in
                do throws(ResponseReader.Malformed) { try reader.read(bytes) { keep($0) } } catch { failure = error }
            }
            if let failure { throw failure }
            if case .waiting = phase, let head = reader.head { take(head) }
            advance(context)
        } catch {
            finish(.failed(.responseMalformed, error.sentence), reusable: false)
        }
    }

    private func take(_ head: ResponseReader.Head) {
        let location = (300..<400).contains(head.status) ? head.location : nil
        phase = .reading(
            .answered(
                status: head.status, retryAfterSeconds: RetryAfter.seconds(head.retryAfter, date: head.date),
                location: location.map { RedirectLocation.shown($0) }))
        guard !reader.isComplete, restNanoseconds > 0 else { return }
        deadline = min(deadline, .now() + .nanoseconds(restNanoseconds))
    }

    /// Ends the request where the response is whole, or more of it is not waited for.
    private func advance(_ context: ChannelHandlerContext) {
        guard case .reading(let outcome) = phase else { return }
        if outcome.status == 408, requests > 1, !reader.keepsConnection {
            // Said to the idle connection, when the request was on its way already (RFC 9110, section 15.5.9).
            return finish(connectionLost("the subscriber closed the idle connection"), reusable: false)
        }
        // What is left of a request that was answered early must not come before the next one.
        if reader.isComplete { return end(reusable: reader.isReusable && isSent) }
        if bodyBytes > Self.responseBytes { return end(reusable: false) }
        armTimer(on: context.eventLoop)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent {
            awaitsHandshake = false
            let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
            if let certificate { certificateSeen(Int(certificate.notValidAfter)) }
        }
        context.fireUserInboundEventTriggered(event)
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
        timer = (due, eventLoop.assumeIsolated().scheduleTask(deadline: due) { [self] in timerEnded() })
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

    private func keep(_ bytes: UnsafeRawBufferPointer) {
        bodyBytes += bytes.count
        if answer.count < answerBytes { answer += bytes.prefix(answerBytes - answer.count) }
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

extension ResponseReader.Malformed {
    fileprivate var sentence: String {
        switch self {
        case .headTooLarge: "the head of the answer is too large"
        case .noHTTP: "the answer is not HTTP/1.1; is the port one for https?"
        }
    }
}
