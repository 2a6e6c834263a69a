package import Executable
import Glibc
import HTTPFront
import NIOCore
import NIOHTTP1
import NIOPosix
package import StageMetrics
package import Threads

/// The HTTP endpoint through which a stage is watched and operated: health, readiness and metrics for everybody,
/// the stage's own routes on the Unix socket only.
///
/// One event loop serves all connections; routes run on threads of their own, so that a slow query never delays
/// `/metrics`. Readiness and gauges are read on the event loop and must not block. The loop belongs to the endpoint alone,
/// so it answers while any other thread of the stage stands still, and tells the service manager as long as none does. Some
/// descriptors are kept for the Unix socket, so it answers when the process has no other left, too.
package final class AdminEndpoint: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let pool: NIOThreadPool
    private let acceptors: [Acceptor]
    private let socketPath: String

    /// The TCP port, when there is one.
    package let metricsPort: Int?

    /// Binds and serves at once. A stale socket file is replaced, which is safe because the caller holds the
    /// instance's lock. Throws `StageFailure` with `io` when an address cannot be bound.
    package init(
        socketPath: String, metricsListen: ListenAddress?, registry: MetricRegistry,
        readiness: @escaping @Sendable () -> [HealthCheck], routes: [AdminRoute] = [],
        serviceNotifier: ServiceNotifier = .current
    ) throws(StageFailure) {
        // Jumps count from here on.
        _ = steadyNanoseconds()
        registry.gauge(
            "tributary_clock_jump_seconds", help: "How far the wall clock was set since the process started.",
            read: { Double(clockJumpNanoseconds()) / 1e9 })
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        // Four slow queries at once are an operator's mistake; a fifth waits.
        let pool = NIOThreadPool(numberOfThreads: routes.isEmpty ? 1 : 4)
        if !routes.isEmpty { pool.start() }
        let dispatcher = AdminDispatcher(registry: registry, readiness: readiness, routes: routes, pool: pool)
        let openStore = AdminDispatcher(registry: registry, readiness: readiness, routes: [], pool: pool)
        var acceptors: [Acceptor] = []
        do {
            acceptors.append(try Self.acceptor(.unix(path: socketPath), group, dispatcher, Self.unixRules))
        } catch {
            Self.stop(acceptors, group, pool)
            throw StageFailure(.io, "the admin endpoint cannot listen on \(socketPath): \(error)")
        }
        if let metricsListen {
            do {
                let socket = ListeningSocket.bind(host: metricsListen.host, port: metricsListen.port)
                acceptors.append(try Self.acceptor(socket, group, openStore, Self.tcpRules))
            } catch {
                Self.stop(acceptors, group, pool)
                throw StageFailure(.io, "metrics_listen \(metricsListen) cannot be listened on: \(error)")
            }
        }
        self.group = group
        self.pool = pool
        self.acceptors = acceptors
        self.socketPath = socketPath
        metricsPort = acceptors.last?.port
        Self.keepNotifying(group.next(), dispatcher, serviceNotifier)
    }

    /// How long the end waits for routes that still run.
    private static let closePatienceMilliseconds = 3000

    /// Stops listening, lets routes that run end and their answers go out, for a while, closes every connection and ends
    /// the threads. Must not be called on the event loop.
    package func close() {
        Self.stop(acceptors, group, pool)
        unlink(socketPath)
    }

    private static func stop(
        _ acceptors: [Acceptor], _ group: MultiThreadedEventLoopGroup, _ pool: NIOThreadPool
    ) {
        for acceptor in acceptors { acceptor.stop() }
        let ended = TimedSemaphore()
        pool.shutdownGracefully { _ in ended.signal() }
        _ = ended.wait(milliseconds: closePatienceMilliseconds)
        try? group.syncShutdownGracefully()
    }

    /// Says once that the stage is ready, and every second that all its threads move.
    private static func keepNotifying(_ loop: any EventLoop, _ dispatcher: AdminDispatcher, _ notifier: ServiceNotifier)
    {
        guard notifier.isHeard else { return }
        let isReady = NIOLoopBoundBox.makeBoxSendingValue(false, eventLoop: loop)
        loop.scheduleRepeatedTask(initialDelay: .zero, delay: .seconds(1)) { _ in
            if !isReady.value, dispatcher.checks.allSatisfy(\.ok) {
                isReady.value = true
                notifier.notify("READY=1")
            }
            if dispatcher.registry.stalledThreads().isEmpty { notifier.notify("WATCHDOG=1") }
        }
    }

    private static let unixRules = rules(mostConnections: 256, mostPerClient: 256)
    private static let tcpRules = rules(mostConnections: 64, mostPerClient: 32)

    private static func rules(mostConnections: Int, mostPerClient: Int) -> FrontConnection.Rules {
        FrontConnection.Rules(
            limits: .api, mostConnections: mostConnections, mostPerClient: mostPerClient, headDeadline: .seconds(10),
            trustedDeadline: .seconds(75), trustsFirstHead: true
        ) { refusal in
            let reply = AdminReply.error(refusal.status, refusal.code, refusal.sentence)
            return (reply.contentType, reply.body)
        }
    }

    private static func acceptor(
        _ socket: ListeningSocket, _ group: MultiThreadedEventLoopGroup, _ dispatcher: AdminDispatcher,
        _ rules: FrontConnection.Rules
    ) throws -> Acceptor {
        try Acceptor(
            socket, "the admin endpoint", backlog: 64, use: .serve(4), group: group,
            prepare: { channel in
                let pipeline = channel.pipeline.syncOperations
                try pipeline.addHandler(IdleStateHandler(readTimeout: .seconds(75)))
                try pipeline.addHandler(HTTPResponseEncoder())
                try pipeline.addHandler(FrontConnection(rules))
                try pipeline.addHandler(HTTPServerPipelineHandler())
                try pipeline.addHandler(AdminConnection(dispatcher: dispatcher))
            },
            // The listener of the stage's own connections says in the log what is wrong.
            report: { _ in })
    }
}
