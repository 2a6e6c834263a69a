package import NIOCore
package import NIOHTTP1

/// One connection of a listener for operators, between its socket and whatever answers requests: lets it in or not, reads
/// its requests strictly, holds it to its deadlines, and answers what is no request. Lives on its event loop.
///
/// A refusal is answered in its turn: after the requests before it, in the place of one whose body is broken. After it,
/// and after any other answer that says `Connection: close`, the sending side is closed first, so that the client gets
/// the answer although it is still sending. What answers requests says `Connection: close` and closes nothing itself.
package final class FrontConnection: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = HTTPServerRequestPart
    package typealias OutboundIn = HTTPServerResponsePart
    package typealias OutboundOut = HTTPServerResponsePart

    /// How a listener deals with its connections.
    package struct Rules: Sendable {
        package var limits: HeadLimits
        package var caps: ConnectionCaps
        package var mostConnections: Int
        package var mostPerClient: Int
        /// Within which a head must be complete: from the beginning of the connection, and then from the last answer.
        package var headDeadline: TimeAmount
        /// The same once the client is trusted.
        package var trustedDeadline: TimeAmount
        /// Whoever has sent one whole head is trusted; otherwise whom a `Trusted` event names.
        package var trustsFirstHead: Bool
        /// Too many connections are closed without the handshake that an answer would need.
        package var isTLS: Bool
        /// How long a closing connection is still read, so that the client gets the last answer.
        package var linger = TimeAmount.seconds(2)
        /// The answer to a refusal.
        package var body: @Sendable (HeadRefusal) -> (contentType: String, bytes: [UInt8])

        package init(
            limits: HeadLimits, caps: ConnectionCaps = ConnectionCaps(), mostConnections: Int, mostPerClient: Int,
            headDeadline: TimeAmount, trustedDeadline: TimeAmount, trustsFirstHead: Bool, isTLS: Bool = false,
            body: @escaping @Sendable (HeadRefusal) -> (contentType: String, bytes: [UInt8])
        ) {
            self.limits = limits
            self.caps = caps
            self.mostConnections = mostConnections
            self.mostPerClient = mostPerClient
            self.headDeadline = headDeadline
            self.trustedDeadline = trustedDeadline
            self.trustsFirstHead = trustsFirstHead
            self.isTLS = isTLS
            self.body = body
        }
    }

    /// An outbound event: the client has shown that it may be here.
    package struct Trusted: Sendable {
        package init() {}
    }

    /// An outbound event: the connection lasts and counts no longer against the listener's caps; whoever answers bounds
    /// how many of these there are.
    package struct Lasting: Sendable {
        package init() {}
    }

    private let rules: Rules
    private var parser: RequestParser
    private var admission: ConnectionCaps.Admission?
    private var isTrusted = false
    /// Requests whose head was passed on and whose answer is not complete.
    private var owed = 0
    /// A request's head was passed on and its end not.
    private var isInRequest = false
    /// The client sends nothing more.
    private var inputEnded = false
    /// The answer to the first of them has begun.
    private var answerBegan = false
    /// The last of them asked for the end of the connection.
    private var lastCloses = false
    /// The answer that has begun says that the connection ends with it.
    private var answerCloses = false
    /// What is said as soon as it has its turn.
    private var refusal: HeadRefusal?
    /// The last answer is written; nothing more goes in or out.
    private var isClosing = false
    private var deadline: Scheduled<Void>?

    package init(_ rules: Rules) {
        self.rules = rules
        parser = RequestParser(limits: rules.limits)
    }

    package func channelActive(context: ChannelHandlerContext) {
        let admission = rules.caps.enter(
            ConnectionCaps.ClientKey(context.channel.remoteAddress), most: rules.mostConnections,
            mostPerClient: rules.mostPerClient)
        self.admission = admission
        context.fireChannelActive()
        switch admission {
        case .admitted: expectHead(context)
        case .refused(let refusal) where !rules.isTLS: refuse(refusal, context)
        case .refused, .dropped:
            isClosing = true
            context.close(promise: nil)
        }
    }

    package func channelInactive(context: ChannelHandlerContext) {
        leave()
        isClosing = true
        context.fireChannelInactive()
    }

    /// The connection speaks another protocol from now on.
    package func handlerRemoved(context: ChannelHandlerContext) { leave() }

    private func leave() {
        deadline?.cancel()
        if let admission { rules.caps.leave(admission) }
        admission = nil
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing, refusal == nil else { return }
        parser.append(unwrapInboundIn(data))
        while !isClosing, let part = parser.next() {
            switch part {
            case .head(let head, let facts): begin(HTTPRequestHead(head, facts), facts, context)
            case .body(let bytes): context.fireChannelRead(wrapInboundOut(.body(bytes)))
            case .end:
                isInRequest = false
                context.fireChannelRead(wrapInboundOut(.end(nil)))
            case .refused(let refusal): refuse(refusal, context)
            }
        }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { inputEnded = true }
        if isClosing, inputEnded {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    package func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        switch event {
        case is Trusted: isTrusted = true
        case is Lasting: leave()
        default: return context.triggerUserOutboundEvent(event, promise: promise)
        }
        promise?.succeed()
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isClosing else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.code >= 200:
            answerBegan = true
            if !head.headers.contains(name: "date") { head.headers.add(name: "Date", value: HTTPDate.text()) }
            answerCloses = Self.saysClose(head) || (owed == 1 && lastCloses)
            if answerCloses { head.headers.replaceOrAdd(name: "Connection", value: "close") }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            context.write(data, promise: promise)
            answered(context)
        default: context.write(data, promise: promise)
        }
    }

    private func begin(_ head: HTTPRequestHead, _ facts: HeadFacts, _ context: ChannelHandlerContext) {
        var head = head
        owed += 1
        isInRequest = true
        lastCloses = facts.closes || facts.asksForUpgrade
        deadline?.cancel()
        deadline = nil
        if rules.trustsFirstHead { isTrusted = true }
        // What follows knows these fields in their plainest form only.
        if lastCloses { head.headers.replaceOrAdd(name: "connection", value: "close") }
        if !facts.expectsContinue { head.headers.remove(name: "expect") }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    private func answered(_ context: ChannelHandlerContext) {
        owed -= 1
        answerBegan = false
        if answerCloses { return closeGently(context) }
        if let refusal { return refuse(refusal, context) }
        if owed == 0 { expectHead(context) }
    }

    private static func saysClose(_ head: HTTPResponseHead) -> Bool {
        head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "close" }
    }

    /// Waits for the next head, as long as it may take.
    private func expectHead(_ context: ChannelHandlerContext) {
        deadline?.cancel()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: isTrusted ? rules.trustedDeadline : rules.headDeadline) {
            let (own, context) = bound.value
            guard !own.isClosing, own.owed == 0 else { return }
            if own.parser.isInHead {
                own.refuse(.headerTimeout, context)
            } else {
                context.close(promise: nil)
            }
        }
    }

    // MARK: The end

    private func refuse(_ refusal: HeadRefusal, _ context: ChannelHandlerContext) {
        guard !isClosing else { return }
        self.refusal = refusal
        parser.stop()
        // The request with the broken body is answered by the refusal, unless it has its answer already.
        if isInRequest, owed == 0 { return closeGently(context) }
        guard owed == (isInRequest ? 1 : 0), !answerBegan else { return }
        let (contentType, bytes) = rules.body(refusal)
        let head = HTTPResponseHead(
            version: .http1_1, status: .init(statusCode: refusal.status),
            headers: [
                "Date": HTTPDate.text(), "Content-Type": contentType, "Content-Length": String(bytes.count),
                "Connection": "close",
            ])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        closeGently(context)
    }

    private func closeGently(_ context: ChannelHandlerContext) {
        isClosing = true
        deadline?.cancel()
        parser.stop()
        context.flush()
        context.close(mode: inputEnded ? .all : .output, promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: rules.linger) { bound.value.close(promise: nil) }
    }
}
