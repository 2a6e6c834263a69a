package import AdminServer
import EventDelivery
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
import WebSocket

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
        var listen: ListenAddress?
        /// The Unix socket that needs no token; nil: there is none.
        var streamPath: String?
        var bufferBytes = PushConfiguration().bufferBytes
        var publicURL = ""
        var idleTimeout = ControlServer.idleTimeout
        var strangerTimeout = ControlServer.strangerTimeout
        var maxConnections = ControlServer.maxConnections
        var maxConnectionsPerAddress = ControlServer.maxConnectionsPerAddress
        var bodyDeadline = ControlResponder.bodyDeadline
    }

    private let loop: any EventLoop
    /// Where nobody else brought the loop.
    private let ownGroup: MultiThreadedEventLoopGroup?
    private let responders: [ControlResponder]
    private let tokens: APITokens
    private let push: PushService?
    private let sockets: OpenSockets
    private let tls: ServerTLS?
    private let acceptors: [Acceptor]
    private let listen: ListenAddress?
    private let isStopping = Atomic<Bool>(false)

    /// The tokens of `router.api_tokens`. Throws where one is not to be had.
    package static func tokens(_ configuration: RouterConfiguration) throws(StageFailure) -> APITokens {
        APITokens(try APITokens.read(configuration.apiTokens))
    }

    /// Listens on `router.listen`, where that is configured, and on the Unix socket `streamPath`. Throws where the
    /// certificate is not to be had, or an address is not.
    package static func start(
        _ configuration: RouterConfiguration, tokens: APITokens, dispatcher: APIDispatcher, push: PushService,
        streamPath: String, registry: MetricRegistry, logger: Logger
    ) throws(StageFailure) -> ControlServer {
        var tls: ServerTLS?
        if configuration.listen != nil, let configured = configuration.tls {
            let own = try ServerTLS(configured)
            registry.gauge(
                "tributary_certificate_expires_seconds",
                help: "When the listener's certificate ends, seconds since 1970.",
                read: { Double(own.expiresAtSeconds) })
            tls = own
        }
        var settings = Settings(listen: configuration.listen, publicURL: configuration.publicURL)
        settings.streamPath = streamPath
        settings.bufferBytes = configuration.push.bufferBytes
        return try ControlServer(
            settings, tls: tls, tokens: tokens, dispatcher: dispatcher, push: push, logger: logger)
    }

    /// Listens; blocks until that is so.
    init(
        _ settings: Settings, tls: ServerTLS?, tokens: APITokens, dispatcher: APIDispatcher, push: PushService? = nil,
        logger: Logger
    ) throws(StageFailure) {
        listen = settings.listen
        self.tls = tls
        self.tokens = tokens
        self.push = push
        let sockets = OpenSockets()
        self.sockets = sockets
        let ownGroup = push == nil ? MultiThreadedEventLoopGroup(numberOfThreads: 1) : nil
        self.ownGroup = ownGroup
        loop = push?.loop ?? ownGroup!.next()
        func responder(_ tokens: APITokens?, _ hosts: HostRule?) -> ControlResponder {
            ControlResponder(
                dispatcher: dispatcher, tokens: tokens, hosts: hosts, bodyDeadline: settings.bodyDeadline, push: push,
                sockets: sockets)
        }
        let rules = Self.rules(settings, isTLS: tls != nil, dispatcher)
        var responders: [ControlResponder] = []
        var acceptors: [Acceptor] = []
        do {
            if let listen {
                let own = responder(tokens, HostRule(listen: listen, publicURL: settings.publicURL))
                responders.append(own)
                acceptors.append(
                    try Self.acceptor(
                        .bind(host: listen.host, port: listen.port), loop, rules, tls, own, settings, logger))
            }
            if let path = settings.streamPath {
                let own = responder(nil, nil)
                responders.append(own)
                // The instance's lock is held, so what has that name can only be what a killed process left.
                acceptors.append(
                    try Self.acceptor(
                        .unix(path: path), loop, Self.rules(settings, isTLS: false, dispatcher), nil, own, settings,
                        logger))
            }
        } catch {
            for responder in responders { responder.stop() }
            for acceptor in acceptors { acceptor.stop() }
            try? ownGroup?.syncShutdownGracefully()
            let isTaken = (error as? IOError)?.errnoCode == EADDRINUSE
            let cause = isTaken ? "another process listens there already" : "\(error)"
            let place = acceptors.isEmpty ? listen.map { "router.listen \($0)" } : settings.streamPath
            throw StageFailure(.io, "\(place ?? "the stream's socket") cannot be listened on: \(cause)")
        }
        self.responders = responders
        self.acceptors = acceptors
    }

    /// The port that is listened on.
    var port: Int { acceptors.first?.port ?? 0 }

    /// Reads tokens and certificate again. Throws where one of them is not to be had; then all stay as they are.
    package func reload(_ configuration: RouterConfiguration) throws(StageFailure) {
        let entries = try APITokens.read(configuration.apiTokens)
        try tls?.reload()
        tokens.replace(entries)
    }

    /// Whether it still listens.
    package func readiness() -> [HealthCheck] {
        let isStopping = isStopping.load(ordering: .relaxed)
        let place = listen.map { "\($0)" } ?? "its socket alone"
        return [
            HealthCheck(name: "control_api", ok: !isStopping, detail: isStopping ? "it stops" : "listens on \(place)")
        ]
    }

    /// Takes no more connections, lets requests under way end (5 s at most), and ends its threads. Blocks.
    package func stop() {
        isStopping.store(true, ordering: .relaxed)
        for acceptor in acceptors { acceptor.stop() }
        if let push { try? push.loop.submit { push.hub.value.stop() }.wait() }
        sockets.close(WebSocketClose(.goingAway, "the router stops"))
        for responder in responders { responder.stop() }
        try? ownGroup?.syncShutdownGracefully()
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
    private static func acceptor(
        _ socket: ListeningSocket, _ loop: any EventLoop, _ rules: FrontConnection.Rules, _ tls: ServerTLS?,
        _ responder: ControlResponder, _ settings: Settings, _ logger: Logger
    ) throws -> Acceptor {
        try Acceptor(
            socket, "router.listen", backlog: 256, use: .close, group: loop,
            prepare: { channel in
                try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
                try channel.syncOptions?.setOption(
                    .writeBufferWaterMark, value: .init(low: settings.bufferBytes / 2, high: settings.bufferBytes))
                let pipeline = channel.pipeline.syncOperations
                if channel.localAddress?.protocol != .unix {
                    // Linux' tcp(7): what it takes beyond what is on its way; else it buffers megabytes by itself.
                    try channel.syncOptions?.setOption(
                        .tcpOption(NIOBSDSocket.Option(rawValue: TCP_NOTSENT_LOWAT)),
                        value: SocketOptionValue(settings.bufferBytes))
                }
                if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls.context)) }
                try pipeline.addHandler(HTTPResponseEncoder())
                try pipeline.addHandler(FrontConnection(rules))
                try pipeline.addHandler(HTTPServerPipelineHandler())
                try pipeline.addHandler(ControlConnection(responder))
            }, report: { logger.warning("\($0)") })
    }
}
