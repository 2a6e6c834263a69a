internal import CPlatform
internal import Glibc
package import NIOCore
internal import NIOPosix
internal import StageMetrics
internal import Synchronization
internal import Threads

/// Accepts the connections of a listening socket, on a thread of its own, and gives them to event loops in turn.
///
/// Several processes may accept from one socket: whoever finds that another was faster waits on. (A server channel of NIO
/// takes that for a fault of the kernel, and ends a debug build.) Each takes one connection at a time, so that a burst is
/// spread over them.
///
/// The kernel goes on saying that a connection waits, so a listener that cannot accept would turn without end. Where the
/// process, or the machine, has no descriptor left, those kept for this are given up for connections that wait: on most
/// listeners to accept and close them, so that clients learn of it at once; on that of an admin endpoint to serve them.
/// After many of them nothing is accepted for a while.
package final class Acceptor: Sendable {
    /// How long nothing is accepted.
    private static let pauseMilliseconds: CInt = 100
    /// Connections that are closed before a pause.
    private static let mostClosed = 64
    private static let reportIntervalNanoseconds: Int64 = 10_000_000_000

    /// What becomes of connections that are accepted with a kept descriptor.
    package enum Use: Sendable {
        case close
        /// So many at once.
        case serve(Int)
    }

    /// Of what was bound to a TCP port.
    package let port: Int?

    private let name: String
    private let serves: Bool
    private let keptAtMost: Int
    private let group: any EventLoopGroup
    private let prepare: @Sendable (any Channel) throws -> Void
    private let report: @Sendable (String) -> Void
    /// For tests, which pass it on as a service manager does.
    let listener: CInt
    private let stopping: CInt
    /// Nil after the end.
    private let kept = Mutex<[CInt]?>([])
    private let thread = Mutex<BlockingThread?>(nil)

    /// Listens, and accepts at once. `prepare` makes a connection ready, on its event loop, before anything is read.
    /// `name` is for the report, which comes every 10 s at most, on a thread of its own. Blocks while names are resolved;
    /// throws `IOError` and `SocketAddressError`.
    package init(
        _ socket: ListeningSocket, _ name: String, backlog: CInt, use: Use, group: any EventLoopGroup,
        prepare: @escaping @Sendable (any Channel) throws -> Void, report: @escaping @Sendable (String) -> Void
    ) throws {
        self.name = name
        switch use {
        case .close: (serves, keptAtMost) = (false, 1)
        case .serve(let count): (serves, keptAtMost) = (true, count)
        }
        self.group = group
        self.prepare = prepare
        self.report = report
        listener = try socket.open(backlog: backlog)
        port = ListeningSocket.port(of: listener)
        stopping = tributary_eventfd()
        guard stopping >= 0 else {
            close(listener)
            throw IOError(errnoCode: EMFILE, reason: "eventfd")
        }
        keep()
        let started = BlockingThread(name: "accept") { [self] in run() }
        thread.withLock { $0 = started }
    }

    /// Accepts nothing more; connections that were not accepted stay with whoever shares the socket, or are reset. Blocks
    /// for a moment. Must not be called on the event loop.
    package func stop() {
        let thread = thread.withLock { $0.take() }
        guard let thread else { return }
        var one: UInt64 = 1
        _ = write(stopping, &one, 8)
        thread.join()
        close(listener)
        close(stopping)
        kept.withLock { kept in
            for descriptor in kept ?? [] { close(descriptor) }
            kept = nil
        }
    }

    private func run() {
        let bootstrap = ClientBootstrap(group: group).channelInitializer { [prepare] channel in
            channel.eventLoop.makeCompletedFuture { try prepare(channel) }
        }
        var limit = Limit()
        while wait(for: [stopping, listener], milliseconds: -1) { acceptOne(bootstrap, &limit) }
    }

    /// What is remembered of a shortage of descriptors.
    private struct Limit {
        var closedSincePause = 0
        var closedSinceReport = 0
        var reportedAt: Int64?
    }

    private func acceptOne(_ bootstrap: ClientBootstrap, _ limit: inout Limit) {
        var accepted = tributary_accept(listener)
        if accepted < 0 {
            let code = errno
            // Otherwise another process was faster, or the connection has ended.
            guard [EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL].contains(code) else { return }
            sayNow(code, &limit)
            guard limit.closedSincePause < Self.mostClosed, code == EMFILE || code == ENFILE,
                let descriptor = kept.withLock({ $0?.popLast() })
            else {
                _ = wait(for: [stopping], milliseconds: Self.pauseMilliseconds)
                limit.closedSincePause = 0
                keep()
                return
            }
            close(descriptor)
            accepted = tributary_accept(listener)
            // A descriptor that was taken by somebody else is lost until one can be opened again.
            guard accepted >= 0 else { return }
        }
        // Where as many as ever can be kept beside this connection, there is room for it.
        let hasRoom = keep()
        if !hasRoom, !serves {
            close(accepted)
            limit.closedSincePause += 1
            limit.closedSinceReport += 1
            keep()
            return
        }
        bootstrap.withConnectedSocket(accepted).whenSuccess { [self] channel in
            if !hasRoom { channel.closeFuture.whenComplete { [self] _ in keep() } }
        }
    }

    /// Waits for one of the descriptors; false when it is the first, which says that the acceptor stops.
    private func wait(for descriptors: [CInt], milliseconds: CInt) -> Bool {
        var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        _ = poll(&entries, nfds_t(entries.count), milliseconds)
        return entries[0].revents == 0
    }

    private func sayNow(_ code: CInt, _ limit: inout Limit) {
        let now = monotonicNanoseconds()
        if let reportedAt = limit.reportedAt, now - reportedAt < Self.reportIntervalNanoseconds { return }
        report(
            "\(name) cannot accept connections: \(String(cString: strerror(code))); \(limit.closedSinceReport) were closed "
                + "unanswered since this was last said. Raise the hard limit of open files (ulimit -Hn, LimitNOFILE=), "
                + "now \(DescriptorLimit.current), or lower the number of connections")
        limit.reportedAt = now
        limit.closedSinceReport = 0
    }

    /// Opens what is missing of the kept descriptors; false where there is no room for them.
    @discardableResult
    private func keep() -> Bool {
        kept.withLock { kept in
            while let count = kept?.count, count < keptAtMost {
                let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
                guard descriptor >= 0 else { return false }
                kept?.append(descriptor)
            }
            return true
        }
    }
}
