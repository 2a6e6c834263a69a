import DequeModule
import HTTPFront
import NIOCore
import NIOTLS
import StageMetrics
import WebhookIntake

/// One client's connection: takes parsed requests in, sends answers out in the order of the requests, and keeps to
/// the limits. Lives on its event loop.
///
/// A refused request whose body can be read is answered when the body has ended; one that leaves the connection
/// unreadable is answered at once, and the connection is then closed gently: its sending side first, so that the
/// client gets the answer although it is still sending.
final class Connection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let loop: FrontLoop
    /// The other end: the client, or the proxy before it.
    private var peer: (address: String, network: UInt64, isProxy: Bool)?
    private var parser = RequestParser(limits: IngressLimits.head)
    private var context: ChannelHandlerContext?
    private var request: OpenRequest?
    private var slots: Deque<OwedAnswer> = []
    /// Number of the first owed answer.
    private var firstSlot: UInt32 = 0
    private var continueIsDue = false
    /// When a head was begun, the first one with the connection; nil between requests.
    private var headBeganNanoseconds: Int64?
    private var hasSpoken = false
    private var lastActivityNanoseconds = monotonicNanoseconds()
    private var closesByNanoseconds: Int64?
    private var inputEnded = false
    private var readIsHeld = false
    private var requestsEnded = 0
    var admission = ConnectionCaps.Admission.dropped
    /// Its latest webhook with a verdict was genuine.
    private var isTrusted = false
    /// Place in the loop's table and which of the connections that had it.
    var place: (slot: Int32, generation: UInt32) = (0, 0)
    /// The last answer is written or on its way; nothing more is read.
    private(set) var isClosing = false
    /// When it began, as long as TLS is not agreed on; nil afterwards, and where there is none.
    private var handshakeBeganNanoseconds: Int64?

    init(_ loop: FrontLoop, isTLS: Bool) {
        self.loop = loop
        if isTLS { handshakeBeganNanoseconds = lastActivityNanoseconds }
        headBeganNanoseconds = lastActivityNanoseconds
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func channelActive(context: ChannelHandlerContext) {
        let remote = context.channel.remoteAddress
        peer = remote?.ipAddress.map { ($0, Sender(address: $0, source: 0).network, loop.clients.isTrusted($0)) }
        // Many clients come through one proxy.
        let client = peer?.isProxy == true ? nil : ConnectionCaps.ClientKey(remote)
        switch loop.enter(self, client) {
        case .admitted: context.fireChannelActive()
        // An answer would cost a handshake, and handshakes are what too many connections must not cost.
        case .refused(let refusal) where handshakeBeganNanoseconds == nil: refuseNow(Refusal(refusal))
        case .refused, .dropped: closeNow()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        dropBody()
        request = nil
        slots.removeAll()
        loop.leave(self)
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        lastActivityNanoseconds = monotonicNanoseconds()
        hasSpoken = true
        // A head has a deadline from its first byte. Bytes behind a request's end may be the beginning of the next head or
        // nothing; its deadline then runs from the next byte.
        if request == nil, headBeganNanoseconds == nil { headBeganNanoseconds = lastActivityNanoseconds }
        let requestsEndedBefore = requestsEnded
        parser.append(unwrapInboundIn(data))
        while !isClosing, let part = parser.next() {
            switch part {
            case .head(let head, let facts): begin(head, facts)
            case .body(let bytes): take(bytes)
            case .end: end()
            case .refused(let refusal):
                answerWaiting()
                if !isClosing { refuseNow(Refusal(refusal)) }
            }
        }
        if requestsEnded != requestsEndedBefore { headBeganNanoseconds = nil }
    }

    func read(context: ChannelHandlerContext) {
        if mayRead(context) { context.read() } else { readIsHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        resumeReading()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            handshakeBeganNanoseconds = nil
            lastActivityNanoseconds = monotonicNanoseconds()
            headBeganNanoseconds = lastActivityNanoseconds
        }
        guard let event = event as? ChannelEvent, event == .inputClosed else { return }
        inputEnded = true
        if isClosing || slots.isEmpty || request?.hasEnded == false {
            // Nothing is owed, or what is owed waits for bytes that will not come.
            closeNow()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        closeNow()
    }
}

// MARK: - Requests

extension Connection {
    private func begin(_ head: ReceivedHead, _ facts: HeadFacts) {
        headBeganNanoseconds = nil
        answerWaiting()
        guard !isClosing else { return }
        request = OpenRequest(head: head, facts: facts, startedNanoseconds: lastActivityNanoseconds)
        slots.append(OwedAnswer(to: head, facts, startedNanoseconds: lastActivityNanoseconds))
        do throws(Refusal) {
            if facts.expectsElse { throw .expectationFailed }
            let target = try loop.sources.find(head)
            request?.target = target
            slots[slots.count - 1].source = target.source
            if head.method != .options {
                try slots[slots.count - 1].options.take(target, head)
                if request?.exceeds(loop.limits.bodyBytes) == true { throw .bodyTooLarge }
                if let refusal = loop.partition(of: target.source).refusal { throw refusal }
                request?.ticket = QuotaTicket(sender(head, target.source), target.source)
                let bytes = facts.contentLengthBytes ?? (facts.isChunked ? QuotaBook.freeBytes : 0)
                try request?.ticket?.ask(for: bytes, loop, isTrusted: isTrusted)
            }
            if request?.wantsContinue == true { sendContinue() }
        } catch {
            refuse(error)
        }
    }

    /// Whoever sends on while a complete request waits for the quotas gets that one's answer at once.
    private func answerWaiting() {
        if request?.hasEnded == true, let refusal = request?.ticket?.refusal { refuse(refusal) }
    }

    /// Refuses the open request: at once where the connection is then of no use or nothing more of it will come,
    /// otherwise when its body has ended.
    private func refuse(_ refusal: Refusal) {
        dropBody()
        request?.ticket = nil
        if request?.hasEnded == true {
            let number = lastNumber
            request = nil
            complete(number, .refused(refusal))
        } else if refusal.closes || request?.facts.expectsContinue == true {
            refuseNow(refusal)
        } else {
            request?.refusal = refusal
        }
    }

    /// Asks the quotas again for the request that waits for them.
    private func askAgain() {
        do throws(Refusal) {
            try request?.ticket?.askAgain(loop, isTrusted: isTrusted)
            guard request?.isWaiting == false else { return }
            if request?.hasEnded == true { finish() } else if request?.wantsContinue == true { sendContinue() }
        } catch {
            refuse(error)
        }
        resumeReading()
    }

    private func take(_ bytes: ByteBuffer) {
        guard request != nil else { return }
        request?.bodyBytes += bytes.readableBytes
        if request?.exceeds(loop.limits.bodyBytes) == true { return refuseNow(.bodyTooLarge) }
        guard request?.refusal == nil else { return }
        guard loop.reserve(bytes.readableBytes) else { return refuse(.overloaded) }
        // The first part is kept as it lies in the parser's buffer; only bodies in several parts are copied together.
        if request?.body == nil { request?.body = bytes } else { request?.body?.writeImmutableBuffer(bytes) }
        let received = request?.bodyBytes ?? 0
        do throws(Refusal) {
            try request?.ticket?.grow(to: received, loop, isTrusted: isTrusted)
        } catch {
            refuse(error)
        }
    }

    private func end() {
        guard request != nil else { return }
        requestsEnded += 1
        request?.hasEnded = true
        if request?.isWaiting == false { finish() }
    }

    /// Hands the complete request over, or answers it.
    private func finish() {
        guard let open = request else { return }
        let number = lastNumber
        defer {
            dropBody()
            request = nil
        }
        guard let target = open.target, open.refusal == nil else {
            return complete(number, .refused(open.refusal ?? .notFound))
        }
        if open.head.method == .options { return complete(number, .handshake(WebhookHandshake(open.head))) }
        let started = monotonicNanoseconds()
        slots[slots.count - 1].options.startedNanoseconds = started
        let accepted = AcceptedRequest(
            head: open.head, facts: open.facts, target: target, peer: clientAddress(open.head), body: open.body,
            receivedAtNanoseconds: wallNanoseconds())
        let receipt = request?.ticket?.receipt(bodyBytes: open.bodyBytes, loop) ?? .none
        let token = ReplyToken(
            sink: loop.sinkIndex, slot: place.slot, generation: place.generation, request: number,
            startedNanoseconds: started, receipt: receipt)
        if let answer = loop.admit(accepted, token) { complete(number, answer) }
    }

    /// The number of the request that began last.
    private var lastNumber: UInt32 { firstSlot &+ UInt32(slots.count - 1) }

    private func clientAddress(_ head: ReceivedHead) -> String? {
        guard let peer, peer.isProxy else { return peer?.address }
        return loop.clients.client(forwardedFor: head.values("x-forwarded-for"), from: peer.address)
    }

    private func sender(_ head: ReceivedHead, _ source: SourceRoute) -> Sender {
        guard peer?.isProxy == true else { return Sender(network: peer?.network ?? 0, source: source.key) }
        return Sender(address: clientAddress(head), source: source.key)
    }

    private func sendContinue() {
        if slots.count > 1 {
            continueIsDue = true
        } else if let context {
            continueIsDue = false
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(staticString: ReplyRenderer.goOn)), promise: nil)
        }
    }

    private func dropBody() {
        request?.ticket?.giveBack(loop)
        guard let body = request?.body else { return }
        loop.release(body.readableBytes)
        request?.body = nil
    }
}

// MARK: - Answers

extension Connection {
    /// Gives the answer to a request and sends what can be sent, in order.
    func complete(_ number: UInt32, _ answer: Answer) {
        if set(number, answer) { flush() }
    }

    /// Notes an answer; true when there is something to flush.
    func set(_ number: UInt32, _ answer: Answer) -> Bool {
        let index = Int(number &- firstSlot)
        guard slots.indices.contains(index), slots[index].answer == nil else { return false }
        slots[index].answer = answer
        if case .accepted(_, _, isVerified: true) = answer { isTrusted = peer?.isProxy == false }
        if case .judged = answer { isTrusted = false }
        return index == 0
    }

    /// Writes every answer whose turn it is and flushes once.
    func flush() {
        guard let context else { return }
        loop.answers.clear(minimumCapacity: 256)
        var closes = false
        while !closes, !slots.isEmpty, let answer = slots[0].answer {
            let slot = slots.removeFirst()
            firstSlot &+= 1
            var options = slot.options
            let isLast = slots.isEmpty && request == nil
            if isLast, loop.isDraining || inputEnded { options.closes = true }
            loop.renderer.write(answer, options, to: &loop.answers)
            loop.metrics.count(answer, slot.options.success, source: slot.source?.name)
            if case .refused = answer {
            } else {
                loop.metrics.acknowledgement.record(nanoseconds: monotonicNanoseconds() - options.startedNanoseconds)
            }
            closes = options.closes
        }
        guard loop.answers.readableBytes > 0 else { return }
        let buffer = loop.answers
        if closes {
            closeGently(after: buffer, context)
            return
        }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        if continueIsDue, slots.count == 1 { sendContinue() }
        resumeReading()
    }

    /// Answers the open request, or whatever the bytes were meant to be, and closes after it.
    private func refuseNow(_ refusal: Refusal) {
        if request == nil {
            slots.append(OwedAnswer(startedNanoseconds: monotonicNanoseconds()))
        }
        dropBody()
        request = nil
        slots[slots.count - 1].options.closes = true
        slots[slots.count - 1].answer = .refused(refusal)
        isClosing = true
        flush()
        resumeReading()
    }

    private func closeGently(after buffer: ByteBuffer, _ context: ChannelHandlerContext) {
        isClosing = true
        dropBody()
        request = nil
        slots.removeAll()
        closesByNanoseconds = monotonicNanoseconds() + IngressLimits.lingerNanoseconds
        let written = context.writeAndFlush(wrapOutboundOut(buffer))
        written.assumeIsolated().whenComplete { [self] _ in
            guard let context = self.context else { return }
            if inputEnded { closeNow() } else { context.close(mode: .output, promise: nil) }
        }
        resumeReading()
    }

    private func resumeReading() {
        guard readIsHeld, let context, mayRead(context) else { return }
        readIsHeld = false
        context.read()
    }

    private func mayRead(_ context: ChannelHandlerContext) -> Bool {
        isClosing
            || slots.count < IngressLimits.pipelinedRequests && context.channel.isWritable && request?.isWaiting != true
    }

    /// Closes at once; what is not sent yet is lost.
    func closeNow() {
        isClosing = true
        context?.close(mode: .all, promise: nil)
    }
}

// MARK: - Deadlines

extension Connection {
    /// Looks at the deadlines; called by the loop's sweep.
    func sweep(_ now: Int64) {
        if let closesByNanoseconds {
            if now >= closesByNanoseconds { closeNow() }
            return
        }
        if request?.isWaiting == true { return askAgain() }
        let limits = loop.limits
        if let began = handshakeBeganNanoseconds {
            // Whoever has not agreed on TLS could not read an answer.
            if now - began > limits.headerDeadlineNanoseconds { closeNow() }
            return
        }
        if let began = headBeganNanoseconds, request == nil, now - began > limits.headerDeadlineNanoseconds {
            // Whoever has said nothing yet is told nothing.
            return hasSpoken ? refuseNow(Refusal(.headerTimeout)) : closeNow()
        }
        if let request {
            let elapsed = now - request.startedNanoseconds
            let due = Double(elapsed) / 1e9 * Double(limits.minimumBodyBytesPerSecond)
            let stalled = now - lastActivityNanoseconds > limits.idleTimeoutNanoseconds
            // A connection that is not read because answers are owed is not to blame.
            guard !readIsHeld else { return }
            if stalled || (elapsed > IngressLimits.bodyGraceNanoseconds && Double(request.bodyBytes) < due) {
                refuseNow(.bodyTooSlow)
            }
            return
        }
        let isIdle = slots.isEmpty || context?.channel.isWritable == false
        if isIdle, now - lastActivityNanoseconds > limits.idleTimeoutNanoseconds { closeNow() }
    }

    /// Closes when nothing is owed any more; part of an orderly stop.
    func drain() {
        guard slots.isEmpty, request == nil, !isClosing, let context else { return }
        guard handshakeBeganNanoseconds == nil else { return closeNow() }
        closeGently(after: ByteBuffer(), context)
    }
}
