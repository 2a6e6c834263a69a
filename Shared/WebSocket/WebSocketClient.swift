package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
package import NIOSSL
internal import NIOWebSocket

/// Opens WebSocket connections (RFC 6455, section 4.1).
package enum WebSocketClient {
    /// Where a connection goes and what is said at its beginning.
    package struct Request: Sendable {
        package enum Place: Sendable {
            case tcp(host: String, port: Int)
            /// A Unix socket.
            case socket(path: String)
        }

        package var place: Place
        /// Nil: not encrypted.
        package var tls: NIOSSLContext?
        /// The value of `Host`.
        package var host: String
        /// Path and query.
        package var target: String
        package var headers: [(name: String, value: String)] = []
        /// Those that are offered, the best first; none: no subprotocol is spoken.
        package var subprotocols: [String] = []
        package var limits: WebSocketLimits
        /// Until the connection is open.
        package var timeout = TimeAmount.seconds(10)

        package init(place: Place, tls: NIOSSLContext? = nil, host: String, target: String, limits: WebSocketLimits) {
            self.place = place
            self.tls = tls
            self.host = host
            self.target = target
            self.limits = limits
        }
    }

    /// Why no connection came about although somebody answered.
    package struct Refusal: Error, Sendable, Equatable {
        package let status: Int
        /// At most 4 KiB of the answer.
        package let body: String
    }

    fileprivate static let mostRefusalBytes = 4096

    /// Connects; `handlers` come behind the connection and get `WebSocketMessage`, `WebSocketClosed` at the end. The future
    /// fails with `Refusal` where the server answers otherwise, or with what the network says.
    package static func connect(
        _ request: Request, on group: any EventLoopGroup,
        handlers: @escaping @Sendable (any Channel) -> [any ChannelHandler]
    ) -> EventLoopFuture<any Channel> {
        let loop = group.next()
        let opened = loop.makePromise(of: (any Channel).self)
        let deadline = loop.scheduleTask(in: request.timeout) {
            opened.fail(ChannelError.connectTimeout(request.timeout))
        }
        let bootstrap = ClientBootstrap(group: loop).connectTimeout(request.timeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try addHandlers(request, to: channel, opened: opened, handlers: handlers)
                }
            }
        let connected =
            switch request.place {
            case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
            case .socket(let path): bootstrap.connect(unixDomainSocketPath: path)
            }
        connected.cascadeFailure(to: opened)
        opened.futureResult.whenComplete { result in
            deadline.cancel()
            if case .failure = result { connected.whenSuccess { $0.close(promise: nil) } }
        }
        return opened.futureResult
    }

    private static func addHandlers(
        _ request: Request, to channel: any Channel, opened: EventLoopPromise<any Channel>,
        handlers: @escaping @Sendable (any Channel) -> [any ChannelHandler]
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        if let tls = request.tls {
            // A name that is an address cannot be asked for (RFC 6066, section 3).
            guard case .tcp(let host, _) = request.place else { throw ChannelError.operationUnsupported }
            let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
            try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : host))
        }
        let offered = request.subprotocols
        let upgrader = NIOTypedWebSocketClientUpgrader<Bool>(
            maxFrameSize: request.limits.messageBytes, enableAutomaticErrorHandling: false
        ) { channel, head in
            channel.eventLoop.makeCompletedFuture {
                let chosen = head.headers.first(name: "sec-websocket-protocol")
                guard chosen.map({ offered.contains($0) }) ?? offered.isEmpty else {
                    throw Refusal(status: 101, body: "none of the subprotocols \(offered.joined(separator: ", "))")
                }
                // Encoder and decoder are there already.
                let own = WebSocketConnection(role: .client, limits: request.limits)
                try channel.pipeline.syncOperations.addHandlers([own] + handlers(channel))
                return true
            }
        }
        var headers = HTTPHeaders([("Host", request.host)])
        headers.add(contentsOf: HTTPHeaders(request.headers.map { ($0.name, $0.value) }))
        if !offered.isEmpty { headers.add(name: "Sec-WebSocket-Protocol", value: offered.joined(separator: ", ")) }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: request.target, headers: headers)
        var configuration = NIOUpgradableHTTPClientPipelineConfiguration(
            upgradeConfiguration: NIOTypedHTTPClientUpgradeConfiguration(
                upgradeRequestHead: head, upgraders: [upgrader],
                notUpgradingCompletionHandler: { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(RefusalReader(opened))
                        return false
                    }
                }))
        // The first frames may come with the answer.
        configuration.leftOverBytesStrategy = .forwardBytes
        try pipeline.configureUpgradableHTTPClientPipeline(configuration: configuration).whenComplete { result in
            switch result {
            case .success(true): opened.succeed(channel)
            // What the server answered is still being read.
            case .success(false): break
            case .failure(let error): opened.fail(error)
            }
        }
        channel.closeFuture.whenComplete { _ in opened.fail(ChannelError.eof) }
    }

    /// Reads what a server answers that does not change protocols.
    private final class RefusalReader: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart

        private let opened: EventLoopPromise<any Channel>
        private var status = 0
        private var body = ByteBuffer()

        init(_ opened: EventLoopPromise<any Channel>) {
            self.opened = opened
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): status = Int(head.status.code)
            case .body(var part):
                let room = WebSocketClient.mostRefusalBytes - body.readableBytes
                if var taken = part.readSlice(length: min(room, part.readableBytes)) { body.writeBuffer(&taken) }
            case .end: finish(context)
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            if status != 0 { finish(context) }
            context.fireChannelInactive()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            opened.fail(error)
            context.close(promise: nil)
        }

        private func finish(_ context: ChannelHandlerContext) {
            opened.fail(Refusal(status: status, body: String(buffer: body)))
            context.close(promise: nil)
        }
    }
}
