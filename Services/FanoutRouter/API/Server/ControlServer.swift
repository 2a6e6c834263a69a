import AdminServer
import Dispatch
import Executable
import Glibc
import HTTPFront
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import PipelineConfiguration
import ServerCertificates
import StageMetrics
import Synchronization
import Threads

/// The control API on `router.listen`: HTTP/1.1, with TLS where it is configured, for whoever has a token. It has an
/// event loop of its own, so that operators never delay deliveries.
final class ControlServer: Sendable {
    /// Time within which the head of a client with a token must be complete and after which its idle connection ends.
    static let idleTimeout = TimeAmount.seconds(15)
    /// The same before a token was seen.
    static let strangerTimeout = TimeAmount.seconds(5)
    static let maxConnections = 256
    /// Of one client address, so that no client alone keeps the others out.
    static let maxConnectionsPerAddress = 128

    /// What is listened on and how; values other than the defaults are for tests.
    struct Settings: Sendable {
        var listen: ListenAddress
        var publicURL = ""
        var idleTimeout = ControlServer.idleTimeout
        var strangerTimeout = ControlServer.strangerTimeout
        var maxConnections = ControlServer.maxConnections
        var maxConnectionsPerAddress = ControlServer.maxConnectionsPerAddress
        var bodyDeadline = ControlResponder.bodyDeadline
    }

    private let group: MultiThreadedEventLoopGroup
    private let pool: NIOThreadPool
    private let responder: ControlResponder
    private let tls: ServerTLS?
    private let task: Task<Void, Never>
    private let stopping: @Sendable () async throws -> Void
    private let state: ServerState
    private let listen: ListenAddress

    /// Listens on `router.listen`; nil where that is not configured. Throws where a token or the certificate is not to
    /// be had, or the address is not.
    static func start(
        _ configuration: RouterConfiguration, dispatcher: APIDispatcher, logger: Logger
    ) throws(StageFailure) -> ControlServer? {
        guard let listen = configuration.listen else { return nil }
        let tokens = APITokens(try APITokens.read(configuration.apiTokens))
        var tls: ServerTLS?
        if let configured = configuration.tls { tls = try ServerTLS(configured) }
        let settings = Settings(listen: listen, publicURL: configuration.publicURL)
        return try ControlServer(settings, tls: tls, tokens: tokens, dispatcher: dispatcher, logger: logger)
    }

    /// Listens; blocks until that is so.
    init(
        _ settings: Settings, tls: ServerTLS?, tokens: APITokens, dispatcher: APIDispatcher, logger: Logger
    ) throws(StageFailure) {
        listen = settings.listen
        self.tls = tls
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        pool = NIOThreadPool(numberOfThreads: ControlResponder.workers)
        pool.start()
        responder = ControlResponder(
            dispatcher: dispatcher, tokens: tokens,
            hosts: HostRule(listen: settings.listen, publicURL: settings.publicURL),
            pool: pool, bodyDeadline: settings.bodyDeadline)
        let state = ServerState()
        self.state = state
        // Connections that break off are everyday life.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .error)
        let channel = ControlChannel(
            base: Self.http(responder, settings), rules: Self.rules(settings, isTLS: tls != nil, dispatcher), tls: tls)
        (task, stopping) = Self.run(channel, settings, group, logger: logger, quiet: quiet, state)
        if let problem = state.waitUntilDecided() {
            try? group.syncShutdownGracefully()
            try? pool.syncShutdownGracefully()
            throw StageFailure(.io, "router.listen \(settings.listen) cannot be listened on: \(problem)")
        }
    }

    /// The port that is listened on.
    var port: Int { state.port }

    /// Lets the event loop show that it moves.
    func keepBeating(_ heartbeat: Heartbeat) { group.next().keepBeating(heartbeat) }

    /// Reads tokens and certificate again. Throws where one of them is not to be had; then all stay as they are.
    func reload(_ configuration: RouterConfiguration) throws(StageFailure) {
        let entries = try APITokens.read(configuration.apiTokens)
        try tls?.reload()
        responder.tokens.replace(entries)
    }

    /// Whether it still listens.
    func readiness() -> [HealthCheck] {
        let problem = state.problem
        return [
            HealthCheck(name: "control_api", ok: problem == nil, detail: problem ?? "listens on \(listen)")
        ]
    }

    /// Takes no more connections, lets requests under way end (5 s at most), and ends its threads. Blocks.
    func stop() {
        state.ended("it stops")
        let stopped = TimedSemaphore()
        // What serves a connection uses its event loop until it returns.
        Task { [stopping, task] in
            try? await stopping()
            await task.value
            stopped.signal()
        }
        if !stopped.wait(milliseconds: 5_000) {
            task.cancel()
            _ = stopped.wait(milliseconds: 1_000)
        }
        try? group.syncShutdownGracefully()
        try? pool.syncShutdownGracefully()
    }

    // MARK: Making

    private static func http(_ responder: ControlResponder, _ settings: Settings) -> HTTP1Channel {
        HTTP1Channel(
            responder: { request, writer, channel in
                try await responder.respond(to: request, writer, on: channel)
            },
            configuration: HTTP1Channel.Configuration(idleTimeout: settings.idleTimeout))
    }

    private static func rules(_ settings: Settings, isTLS: Bool, _ dispatcher: APIDispatcher) -> FrontConnection.Rules {
        FrontConnection.Rules(
            limits: .api, mostConnections: settings.maxConnections, mostPerClient: settings.maxConnectionsPerAddress,
            headDeadline: settings.strangerTimeout, trustedDeadline: settings.idleTimeout, trustsFirstHead: false,
            isTLS: isTLS
        ) { dispatcher.refuse($0) }
    }

    private static func run(
        _ channel: ControlChannel, _ settings: Settings, _ group: MultiThreadedEventLoopGroup, logger: Logger,
        quiet: Logger, _ state: ServerState
    ) -> (Task<Void, Never>, @Sendable () async throws -> Void) {
        let server = Server(
            childChannelSetup: channel,
            configuration: ServerConfiguration(
                address: .hostname(settings.listen.host, port: settings.listen.port)),
            onServerRunning: { listener in
                let guarded = listener.eventLoop.submit {
                    let acceptGuard = AcceptGuard("router.listen", use: .close) { logger.warning("\($0)") }
                    try listener.pipeline.syncOperations.addHandler(acceptGuard, position: .first)
                }
                try? await guarded.get()
                state.listens(on: listener.localAddress?.port ?? 0)
            }, eventLoopGroup: group, logger: quiet)
        let task = Task {
            do {
                try await server.run()
                state.ended("it no longer listens")
            } catch let error as IOError where error.errnoCode == EADDRINUSE {
                state.ended("another process listens there already")
            } catch {
                state.ended("\(error)")
            }
        }
        return (task, { try await server.shutdownGracefully() })
    }
}

/// What has become of a server that runs elsewhere.
final class ServerState: Sendable {
    private enum Stage: Sendable {
        case starting
        case listening(port: Int)
        case ended(String)
    }

    private let stage = Mutex(Stage.starting)
    private let decided = DispatchSemaphore(value: 0)

    func listens(on port: Int) {
        stage.withLock { $0 = .listening(port: port) }
        decided.signal()
    }

    func ended(_ reason: String) {
        stage.withLock { $0 = .ended(reason) }
        decided.signal()
    }

    /// Why it does not listen; nil while it does.
    var problem: String? {
        stage.withLock { stage in
            switch stage {
            case .starting: "is not listening yet"
            case .listening: nil
            case .ended(let reason): reason
            }
        }
    }

    var port: Int {
        stage.withLock { if case .listening(let port) = $0 { port } else { 0 } }
    }

    /// Blocks until it listens or cannot; says why it cannot.
    func waitUntilDecided() -> String? {
        decided.wait()
        return problem
    }
}
