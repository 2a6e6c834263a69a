package import NIOCore
package import NIOWebSocket

/// The rules of a WebSocket connection, of either side, between frames and messages (RFC 6455, sections 5 to 7): joins
/// fragments, checks text, answers pings, sends its own, and closes with the code that a wrong frame asks for.
///
/// Stands behind NIOWebSocket's encoder and decoder (`WebSocketConnection.pipeline`). Confined to its event loop.
package final class WebSocketConnection: ChannelDuplexHandler {
    package typealias InboundIn = WebSocketFrame
    package typealias InboundOut = WebSocketMessage
    package typealias OutboundIn = WebSocketMessage
    package typealias OutboundOut = WebSocketFrame

    package enum Role: Sendable {
        case server
        case client
    }

    private enum State {
        case open
        /// A close frame went out; the other side's is awaited.
        case closing
        case closed
    }

    /// A message of which not all fragments are here.
    private struct Fragments {
        let isText: Bool
        var bytes: ByteBuffer
        var check = UTF8Check()
    }

    /// A frame that is not allowed.
    private struct Violation: Error {
        let code: WebSocketCloseCode
        let reason: String

        init(_ code: WebSocketCloseCode, _ reason: String) {
            self.code = code
            self.reason = reason
        }
    }

    private static let mostControlBytes = 125

    private let role: Role
    private let limits: WebSocketLimits
    private var state = State.open
    private var fragments: Fragments?
    private var closed: WebSocketClosed?
    private var hasHeard = true
    private var hasPinged = false
    private var timer: Scheduled<Void>?

    package init(role: Role, limits: WebSocketLimits) {
        self.role = role
        self.limits = limits
    }

    /// Adds the frames' encoder and decoder, this handler, and those behind it.
    package static func addHandlers(
        to channel: any Channel, role: Role, limits: WebSocketLimits, then handlers: [any ChannelHandler]
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(WebSocketFrameEncoder())
        try pipeline.addHandler(ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: limits.messageBytes)))
        try pipeline.addHandler(WebSocketConnection(role: role, limits: limits))
        try pipeline.addHandlers(handlers)
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { pingLater(context) }
    }

    package func channelActive(context: ChannelHandlerContext) {
        if timer == nil { pingLater(context) }
        context.fireChannelActive()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        end(WebSocketClosed(code: .abnormal, reason: "", isLocal: false), context)
        context.fireChannelInactive()
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event as? ChannelEvent == .inputClosed else { return context.fireUserInboundEventTriggered(event) }
        // Nobody speaks WebSocket in one direction.
        end(WebSocketClosed(code: .abnormal, reason: "", isLocal: false), context)
        context.close(promise: nil)
    }

    package func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    // MARK: Inbound

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasHeard = true
        let frame = unwrapInboundIn(data)
        do throws(Violation) {
            try check(frame)
            switch frame.opcode {
            case .connectionClose: try takeClose(frame.unmaskedData, context)
            case _ where state != .open: break
            case .ping: write(.pong, frame.unmaskedData, context)
            case .pong: break
            case .continuation:
                guard fragments != nil else { throw Violation(.protocolError, "a continuation of nothing") }
                try append(frame, context)
            default:
                guard fragments == nil else { throw Violation(.protocolError, "the message before is not complete") }
                fragments = Fragments(isText: frame.opcode == .text, bytes: ByteBuffer())
                try append(frame, context)
            }
        } catch {
            close(error.code, error.reason, context)
        }
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error as? NIOWebSocketError {
        case .invalidFrameLength: close(.messageTooBig, "a frame holds at most \(limits.messageBytes) bytes", context)
        case .fragmentedControlFrame, .multiByteControlFrameLength:
            close(.protocolError, "a control frame is whole and has at most 125 bytes", context)
        case nil: context.close(promise: nil)
        }
        // The decoder has lost its place; nothing that comes behind can be read, a close frame neither.
        if error is NIOWebSocketError { closeSoon(context, after: .milliseconds(200)) }
    }

    private func check(_ frame: WebSocketFrame) throws(Violation) {
        guard frame.reservedBits.isEmpty else { throw Violation(.protocolError, "a reserved bit is set") }
        guard (frame.maskKey != nil) == (role == .server) else {
            throw Violation(.protocolError, role == .server ? "a client masks its frames" : "a server masks nothing")
        }
        switch frame.opcode {
        case .continuation, .text, .binary, .connectionClose, .ping, .pong: return
        default: throw Violation(.protocolError, "an opcode that is reserved")
        }
    }

    private func append(_ frame: WebSocketFrame, _ context: ChannelHandlerContext) throws(Violation) {
        guard var message = fragments else { return }
        // So that appending does not copy what is here.
        fragments = nil
        var data = frame.unmaskedData
        guard message.bytes.readableBytes + data.readableBytes <= limits.messageBytes else {
            throw Violation(.messageTooBig, "a message holds at most \(limits.messageBytes) bytes")
        }
        if message.isText,
            !data.withUnsafeReadableBytes({ message.check.take($0) }) || frame.fin && !message.check.isComplete
        {
            throw Violation(.invalidText, "a text message is UTF-8")
        }
        if message.bytes.readableBytes == 0 { message.bytes = data } else { message.bytes.writeBuffer(&data) }
        guard frame.fin else {
            fragments = message
            return
        }
        context.fireChannelRead(
            wrapInboundOut(message.isText ? .text(message.bytes) : .binary(message.bytes)))
    }

    private func takeClose(_ data: ByteBuffer, _ context: ChannelHandlerContext) throws(Violation) {
        guard state != .closed else { return }
        var data = data
        guard data.readableBytes != 1 else { throw Violation(.protocolError, "a close code has two bytes") }
        let code = data.readInteger(as: UInt16.self).map { WebSocketCloseCode(rawValue: $0) }
        guard code?.isSendable ?? true else { throw Violation(.protocolError, "that is no close code") }
        guard let reason = String(validating: data.readableBytesView, as: UTF8.self) else {
            throw Violation(.invalidText, "the reason for closing is UTF-8")
        }
        if state == .open { writeClose(code, "", context) }
        end(WebSocketClosed(code: code ?? .noCode, reason: reason, isLocal: false), context)
        // The server ends the connection first, so that the client's port is free at once (section 7.1.1).
        if role == .server { context.close(promise: nil) } else { closeSoon(context, after: limits.closeTimeout) }
    }

    // MARK: Outbound

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard state == .open else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .text(let bytes): write(.text, bytes, context, promise)
        case .binary(let bytes): write(.binary, bytes, context, promise)
        }
    }

    package func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        guard let event = event as? WebSocketClose else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        close(event.code, event.reason, context)
        promise?.succeed()
    }

    private func write(
        _ opcode: WebSocketOpcode, _ data: ByteBuffer, _ context: ChannelHandlerContext,
        _ promise: EventLoopPromise<Void>? = nil
    ) {
        let mask = role == .client ? WebSocketMaskingKey.random() : nil
        let frame = WebSocketFrame(fin: true, opcode: opcode, maskKey: mask, data: data)
        context.write(wrapOutboundOut(frame), promise: promise)
        if opcode != .text, opcode != .binary { context.flush() }
    }

    private func close(_ code: WebSocketCloseCode, _ reason: String, _ context: ChannelHandlerContext) {
        guard state == .open else { return }
        fragments = nil
        let written = context.eventLoop.makePromise(of: Void.self)
        writeClose(code, reason, context, written)
        end(WebSocketClosed(code: code, reason: reason, isLocal: true), context)
        state = .closing
        // It goes out behind all that the other side has not read yet.
        closeSoon(context, after: limits.drainTimeout)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        written.futureResult.whenSuccess {
            let (own, context) = bound.value
            own.closeSoon(context, after: own.limits.closeTimeout)
        }
    }

    private func writeClose(
        _ code: WebSocketCloseCode?, _ reason: String, _ context: ChannelHandlerContext,
        _ promise: EventLoopPromise<Void>? = nil
    ) {
        var data = ByteBuffer()
        if let code {
            data.writeInteger(code.rawValue)
            var reason = Substring(reason)
            while reason.utf8.count > Self.mostControlBytes - 2 { reason.removeLast() }
            data.writeSubstring(reason)
        }
        write(.connectionClose, data, context, promise)
    }

    /// Says once how the connection ended.
    private func end(_ event: WebSocketClosed, _ context: ChannelHandlerContext) {
        timer?.cancel()
        state = .closed
        guard closed == nil else { return }
        closed = event
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: Time

    private func closeSoon(_ context: ChannelHandlerContext, after time: TimeAmount) {
        timer?.cancel()
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }

    private func pingLater(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: limits.pingInterval) {
            let (own, context) = bound.value
            own.ping(context)
        }
    }

    private func ping(_ context: ChannelHandlerContext) {
        if hasHeard {
            hasPinged = false
        } else if hasPinged {
            end(WebSocketClosed(code: .abnormal, reason: "nothing came, no pong either", isLocal: true), context)
            return context.close(promise: nil)
        } else {
            hasPinged = true
            write(.ping, ByteBuffer(), context)
        }
        hasHeard = false
        pingLater(context)
    }
}
