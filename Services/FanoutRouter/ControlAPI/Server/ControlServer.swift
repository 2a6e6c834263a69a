package import AdminServer
package import Executable
import Glibc
import HTTPFront
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
package import PipelineConfiguration
import ServerCertificates
package import StageMetrics
import Synchronization

/// The control API on `router.listen`: HTTP/1.1, with TLS where it is configured, for whoever has a token. It has an
/// event loop of its own, so that operators never delay deliveries.
package final class ControlServer: Sendable {
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
    private let responder: ControlResponder
    private let tls: ServerTLS?
    private let listener: any Channel
    private let listen: ListenAddress
    /// Why it does not listen; nil while it does.
    private let problem = Mutex<String?>(nil)

    /// Listens on `router.listen`; nil where that is not configured. Throws where a token or the certificate is not to
    /// be had, or the address is not.
    package static func start(
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
        responder = ControlResponder(
            dispatcher: dispatcher, tokens: tokens,
            hosts: HostRule(listen: settings.listen, publicURL: settings.publicURL),
            bodyDeadline: settings.bodyDeadline)
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let rules = Self.rules(settings, isTLS: tls != nil, dispatcher)
        do {
            listener = try Self.bootstrap(group, rules, tls, responder, logger)
                .bind(host: listen.host, port: listen.port).wait()
        } catch {
            responder.stop()
            try? group.syncShutdownGracefully()
            let isTaken = (error as? IOError)?.errnoCode == EADDRINUSE
            let cause = isTaken ? "another process listens there already" : "\(error)"
            throw StageFailure(.io, "router.listen \(listen) cannot be listened on: \(cause)")
        }
        listener.closeFuture.whenComplete { [weak self] _ in self?.ended("it no longer listens") }
    }

    /// The port that is listened on.
    var port: Int { listener.localAddress?.port ?? 0 }

    /// Lets the event loop show that it moves.
    package func keepBeating(_ heartbeat: Heartbeat) { group.next().keepBeating(heartbeat) }

    /// Reads tokens and certificate again. Throws where one of them is not to be had; then all stay as they are.
    package func reload(_ configuration: RouterConfiguration) throws(StageFailure) {
        let entries = try APITokens.read(configuration.apiTokens)
        try tls?.reload()
        responder.tokens.replace(entries)
    }

    /// Whether it still listens.
    package func readiness() -> [HealthCheck] {
        let problem = problem.withLock { $0 }
        return [
            HealthCheck(name: "control_api", ok: problem == nil, detail: problem ?? "listens on \(listen)")
        ]
    }

    /// Takes no more connections, lets requests under way end (5 s at most), and ends its threads. Blocks.
    package func stop() {
        ended("it stops")
        try? listener.close().wait()
        responder.stop()
        try? group.syncShutdownGracefully()
    }

    private func ended(_ reason: String) {
        problem.withLock { $0 = $0 ?? reason }
    }

    // MARK: Making

    private static func rules(_ settings: Settings, isTLS: Bool, _ dispatcher: APIDispatcher) -> FrontConnection.Rules {
        FrontConnection.Rules(
            limits: .api, mostConnections: settings.maxConnections, mostPerClient: settings.maxConnectionsPerAddress,
            headDeadline: settings.strangerTimeout, trustedDeadline: settings.idleTimeout, trustsFirstHead: false,
            isTLS: isTLS
        ) { dispatcher.refuse($0) }
    }

    /// Each connection: TLS where it is configured, then the strict front that every listener has. Each takes the
    /// certificate that counts when it begins, so that a new one needs no restart and cuts nothing off.
    private static func bootstrap(
        _ group: MultiThreadedEventLoopGroup, _ rules: FrontConnection.Rules, _ tls: ServerTLS?,
        _ responder: ControlResponder, _ logger: Logger
    ) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let acceptGuard = AcceptGuard("router.listen", use: .close) { logger.warning("\($0)") }
                    try channel.pipeline.syncOperations.addHandler(acceptGuard)
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls.context)) }
                    try pipeline.addHandler(HTTPResponseEncoder())
                    try pipeline.addHandler(FrontConnection(rules))
                    try pipeline.addHandler(HTTPServerPipelineHandler())
                    try pipeline.addHandler(ControlConnection(responder))
                }
            }
    }
}
