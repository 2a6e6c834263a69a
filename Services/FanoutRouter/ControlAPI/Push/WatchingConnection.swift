import EventDelivery
import NIOCore
import PipelineConfiguration
import WebSocket

/// A WebSocket whose client watches the event log, whatever it speaks. Belongs to its connection's event loop, which is
/// the hub's.
///
/// `@unchecked Sendable`: made and used on that loop alone, which an endpoint's `open` cannot say.
class WatchingConnection: ChannelInboundHandler, WatcherOutput, @unchecked Sendable {
    typealias InboundIn = WebSocketMessage
    typealias OutboundOut = WebSocketMessage

    /// Within which a token must be here that did not come with the request.
    static let tokenDeadline = TimeAmount.seconds(5)

    let service: PushService
    private(set) var watcher: Watcher?
    /// Whether it watches, or will as soon as its place is found.
    private(set) var isWatching = false
    private(set) var isEnded = false
    private var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?

    init(_ service: PushService) {
        self.service = service
    }

    var hub: PushHub { service.hub.value }

    // MARK: What a subclass says

    /// The connection is open.
    func opened() {}

    func receive(_ message: WebSocketMessage) {}

    /// The connection is over; comes once.
    func ended() {}

    func write(_ event: WatchedEvent) {}

    func writeGap(_ gap: WatchGap) {}

    func writeCaughtUp() {}

    // MARK: What it does

    /// Begins to watch. `begun` runs when it does, before anything is written.
    func watch(
        _ filter: SubscriptionFilter, from start: WatchStart, begun: @escaping (Watcher) -> Void = { _ in }
    ) {
        isWatching = true
        hub.add(filter, from: start, output: self) { [self] watcher in
            guard let watcher else { return end(.tryAgainLater, "too many watch already, or the router stops") }
            guard !isEnded else { return hub.remove(watcher) }
            self.watcher = watcher
            begun(watcher)
        }
    }

    func send(_ message: WebSocketMessage) {
        context?.write(wrapOutboundOut(message), promise: nil)
    }

    func end(_ code: WebSocketCloseCode, _ reason: String) {
        guard let context, !isEnded else { return }
        stop()
        context.flush()
        context.triggerUserOutboundEvent(WebSocketClose(code, reason), promise: nil)
    }

    /// Runs `body` after so long, unless the connection ends before; in place of what was to run so before.
    func after(_ time: TimeAmount, _ body: @escaping () -> Void) {
        guard let context else { return }
        timer?.cancel()
        let bound = NIOLoopBound(body, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: time) { bound.value() }
    }

    func cancelTimer() { timer?.cancel() }

    // MARK: Of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        opened()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isEnded { receive(unwrapInboundIn(data)) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is WebSocketClosed { stop() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if let watcher, context.channel.isWritable { hub.resume(watcher) }
        context.fireChannelWritabilityChanged()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        stop()
        self.context = nil
    }

    // MARK: Of the watcher

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func flush() { context?.flush() }

    func close(_ reason: WatchEnd) {
        switch reason {
        case .tooSlow:
            end(.tryAgainLater, "too slow: nothing could be written for too long; go on behind the last event")
        case .stopping: end(.goingAway, "the router stops; go on behind the last event")
        }
    }

    private func stop() {
        guard !isEnded else { return }
        isEnded = true
        timer?.cancel()
        if let watcher { hub.remove(watcher) }
        watcher = nil
        ended()
    }
}
