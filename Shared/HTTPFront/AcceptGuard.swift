import Glibc
package import NIOCore

/// On a listening channel: keeps it from spinning while the process, or the machine, has no descriptor left.
///
/// The kernel goes on saying that a connection waits, so a listener that cannot accept would turn without end; an accept
/// back-off that only delays reads (as NIO's own) does not stop that, because the channel stays registered. Here reading is
/// switched off for a while. Before that, descriptors kept for this are given up for connections that wait: on most
/// listeners to accept and close them, so that clients learn of it at once; on that of an admin endpoint to serve them.
package final class AcceptGuard: ChannelInboundHandler {
    package typealias InboundIn = any Channel
    package typealias InboundOut = any Channel

    /// How long nothing is accepted.
    private static let pause = TimeAmount.milliseconds(100)
    /// Connections that are closed before a pause.
    private static let mostClosed = 64
    private static let secondsBetweenReports: Int64 = 10

    /// What becomes of connections that are accepted with a kept descriptor.
    package enum Use: Sendable {
        case close
        case serve
    }

    private let name: String
    private let use: Use
    private let report: @Sendable (String) -> Void
    private var kept: [Int32] = []
    private let keptAtMost: Int
    /// Connections that a kept descriptor was given up for and that are not accepted yet.
    private var due = 0
    private var closedSincePause = 0
    private var closedSinceReport = 0
    private var reportedAt: NIODeadline?
    private var isPaused = false
    private var isOver = false

    /// `name` is for the report, which comes every 10 s at most, on the channel's event loop.
    package init(_ name: String, use: Use, keeping count: Int = 1, report: @escaping @Sendable (String) -> Void) {
        self.name = name
        self.use = use
        self.report = report
        keptAtMost = count
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        keep()
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        giveUpAll()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        giveUpAll()
        context.fireChannelInactive()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        due = max(0, due - 1)
        keep()
        // Where as many as ever can be kept beside this connection, there is room for it.
        guard kept.count < keptAtMost else { return context.fireChannelRead(data) }
        let accepted = unwrapInboundIn(data)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        accepted.closeFuture.hop(to: context.eventLoop).whenComplete { _ in bound.value.keep() }
        switch use {
        case .serve: context.fireChannelRead(data)
        case .close:
            closedSincePause += 1
            closedSinceReport += 1
            accepted.close(promise: nil)
            keep()
        }
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let code = (error as? IOError)?.errnoCode, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code) else {
            return context.fireErrorCaught(error)
        }
        // A descriptor that was given up and taken by somebody else is lost until it can be opened again.
        due = 0
        if closedSincePause < Self.mostClosed, code == EMFILE || code == ENFILE, let descriptor = kept.popLast() {
            close(descriptor)
            due = 1
        } else {
            pause(context)
        }
        reportNow(code)
    }

    private func pause(_ context: ChannelHandlerContext) {
        guard !isPaused else { return }
        isPaused = true
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
        let bound = NIOLoopBound((self, context.channel), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.pause) {
            let (own, channel) = bound.value
            own.isPaused = false
            own.closedSincePause = 0
            own.keep()
            try? channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }

    private func reportNow(_ code: CInt) {
        let now = NIODeadline.now()
        if let reportedAt, now - reportedAt < .seconds(Self.secondsBetweenReports) { return }
        reportedAt = now
        report(
            "\(name) cannot accept connections: \(String(cString: strerror(code))); \(closedSinceReport) were closed "
                + "unanswered since this was last said. Raise the hard limit of open files (ulimit -Hn, LimitNOFILE=), "
                + "now \(DescriptorLimit.current), or lower the number of connections")
        closedSinceReport = 0
    }

    private func keep() {
        while !isOver, kept.count + due < keptAtMost {
            let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return }
            kept.append(descriptor)
        }
    }

    private func giveUpAll() {
        isOver = true
        for descriptor in kept { close(descriptor) }
        kept = []
    }
}
