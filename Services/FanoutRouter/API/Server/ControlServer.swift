import Dispatch
import Glibc
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import StageRuntime
import Synchronization

/// The control API on `router.listen`: HTTP/1.1, with TLS where it is configured, for whoever has a token. It has an
/// event loop of its own, so that operators never delay deliveries.
final class ControlServer: Sendable {
    /// Time within which a request's head must be complete and after which an idle connection ends.
    static let idleTimeout = TimeAmount.seconds(15)
    static let maxConnections = 256
    /// An event's id may have 8192 characters, and a character twelve bytes when it is percent-encoded.
    static let maxHeadBytes = 128 * 1024

    /// What is listened on and how; values other than the defaults are for tests.
    struct Settings: Sendable {
        var listen: ListenAddress
        var publicURL = ""
        var idleTimeout = ControlServer.idleTimeout
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
        _ configuration: RouterConfiguration, desk: APIDesk, logger: Logger
    ) throws(StageFailure) -> ControlServer? {
        guard let listen = configuration.listen else { return nil }
        let tokens = APITokens(try APITokens.read(configuration.apiTokens))
        var tls: ServerTLS?
        if let configured = configuration.tls { tls = try ServerTLS(configured) }
        let settings = Settings(listen: listen, publicURL: configuration.publicURL)
        return try ControlServer(settings, tls: tls, tokens: tokens, desk: desk, logger: logger)
    }

    /// Listens; blocks until that is so.
    init(
        _ settings: Settings, tls: ServerTLS?, tokens: APITokens, desk: APIDesk, logger: Logger
    ) throws(StageFailure) {
        listen = settings.listen
        self.tls = tls
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        pool = NIOThreadPool(numberOfThreads: ControlResponder.workers)
        pool.start()
        responder = ControlResponder(
            desk: desk, tokens: tokens, hosts: HostRule(listen: settings.listen, publicURL: settings.publicURL),
            pool: pool, bodyDeadline: settings.bodyDeadline)
        let state = ServerState()
        self.state = state
        // Connections that break off are everyday life.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .error)
        let base = Self.http(responder, settings)
        if let tls {
            (task, stopping) = Self.run(TLSServerChannel(base: base, tls: tls), settings, group, quiet, state)
        } else {
            (task, stopping) = Self.run(base, settings, group, quiet, state)
        }
        if let problem = state.waitUntilDecided() {
            try? group.syncShutdownGracefully()
            try? pool.syncShutdownGracefully()
            throw StageFailure(.io, "router.listen \(settings.listen) cannot be listened on: \(problem)")
        }
    }

    /// The port that is listened on.
    var port: Int { state.port }

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
        let stopped = DispatchSemaphore(value: 0)
        // What serves a connection uses its event loop until it returns.
        Task { [stopping, task] in
            try? await stopping()
            await task.value
            stopped.signal()
        }
        if stopped.wait(timeout: .now() + .seconds(5)) == .timedOut {
            task.cancel()
            _ = stopped.wait(timeout: .now() + .seconds(1))
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
            configuration: HTTP1Channel.Configuration(
                idleTimeout: settings.idleTimeout,
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: maxHeadBytes, maxHeaderListSize: maxHeadBytes, maxHeaderFieldCount: 100)))
    }

    private static func run(
        _ channel: some ServerChildChannel, _ settings: Settings, _ group: MultiThreadedEventLoopGroup,
        _ logger: Logger, _ state: ServerState
    ) -> (Task<Void, Never>, @Sendable () async throws -> Void) {
        let server = Server(
            childChannelSetup: channel,
            configuration: ServerConfiguration(
                address: .hostname(settings.listen.host, port: settings.listen.port),
                availableConnectionsDelegate: MaximumAvailableConnections(maxConnections)),
            onServerRunning: { state.listens(on: $0.localAddress?.port ?? 0) }, eventLoopGroup: group, logger: logger)
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
