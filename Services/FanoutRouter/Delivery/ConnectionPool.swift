import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import StageRuntime

/// The keep-alive connections of one subscription. The lane bounds how many requests are under way, and so how many
/// connections there are.
///
/// Confined to its event loop.
final class ConnectionPool: HTTPTransport {
    private let loop: any EventLoop
    private let endpoint: EndpointURL
    private let resolver: EgressResolver
    private let tls: NIOSSLContext?
    private var idle: [DeliveryConnection] = []
    private var isClosed = false
    /// Who waits for the addresses; all that wait at the same time share one lookup.
    private var awaitingAddresses: [(Result<[SocketAddress], ConnectFailure>) -> Void] = []

    /// Throws where TLS cannot be set up.
    init(endpoint: EndpointURL, resolver: EgressResolver, loop: any EventLoop, trustRoots: NIOSSLTrustRoots = .default)
        throws
    {
        self.endpoint = endpoint
        self.resolver = resolver
        self.loop = loop
        if endpoint.isTLS {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = trustRoots
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            tls = try NIOSSLContext(configuration: configuration)
        } else {
            tls = nil
        }
    }

    func send(_ request: OutboundRequest, completion: @escaping (AttemptOutcome) -> Void) {
        let deadline = NIODeadline.now() + .nanoseconds(request.timeoutNanoseconds)
        while let connection = idle.popLast() {
            guard connection.isOpen else { continue }
            connection.send(request, deadline: deadline) { outcome in
                // An idle connection that the server was just closing: the request goes out once more, on a new one.
                switch outcome {
                case .failedDuring(.connectionClosed, _), .failedBefore(.notSent, _):
                    guard connection.requests > 1 else { return completion(outcome) }
                    self.connectAndSend(request, deadline: deadline, completion: completion)
                default: completion(outcome)
                }
            }
            return
        }
        connectAndSend(request, deadline: deadline, completion: completion)
    }

    func close() {
        isClosed = true
        for connection in idle { connection.close() }
        idle = []
    }

    private func connectAndSend(
        _ request: OutboundRequest, deadline: NIODeadline, completion: @escaping (AttemptOutcome) -> Void
    ) {
        addresses { result in
            switch result {
            case .failure(let failure): completion(failure.outcome)
            case .success(let addresses):
                self.connect(to: addresses[...], deadline: deadline) { connected in
                    switch connected {
                    case .failure(let outcome): completion(outcome.outcome)
                    case .success(let connection):
                        connection.send(request, deadline: deadline, completion: completion)
                    }
                }
            }
        }
    }

    private func addresses(_ done: @escaping (Result<[SocketAddress], ConnectFailure>) -> Void) {
        awaitingAddresses.append(done)
        guard awaitingAddresses.count == 1 else { return }
        resolver.resolve(endpoint, on: loop) { result in
            let waiting = self.awaitingAddresses
            self.awaitingAddresses = []
            for done in waiting { done(result) }
        }
    }

    /// Tries the checked addresses one after the other until one accepts.
    private func connect(
        to addresses: ArraySlice<SocketAddress>, deadline: NIODeadline,
        done: @escaping (Result<DeliveryConnection, ConnectFailure>) -> Void
    ) {
        guard let address = addresses.first else {
            done(.failure(ConnectFailure(outcome: .failedBefore(.nameNotResolved, "the host has no address"))))
            return
        }
        let left = deadline - .now()
        guard left > .nanoseconds(0) else {
            done(.failure(ConnectFailure(outcome: .failedBefore(.connectTimeout, "not connected within the time-out"))))
            return
        }
        let encoder = PreparedRequestEncoder()
        let connection = DeliveryConnection(encoder: encoder) { [weak self] connection, reusable in
            self?.released(connection, reusable)
        }
        let pipeline = NIOLoopBound((encoder, connection), eventLoop: loop)
        let (tls, host) = (tls, endpoint.host)
        let connecting = ClientBootstrap(group: loop)
            .connectTimeout(left)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.fill(channel.pipeline.syncOperations, tls: tls, host: host, pipeline.value)
                }
            }
            .connect(to: address)
        connecting.assumeIsolated().whenComplete { result in
            switch result {
            case .success:
                done(.success(connection))
            case .failure(let error) where addresses.count > 1 && !(error is NIOSSLError):
                self.connect(to: addresses.dropFirst(), deadline: deadline, done: done)
            case .failure(let error):
                done(.failure(ConnectFailure(outcome: .failedBefore(Self.cause(of: error), "\(address): \(error)"))))
            }
        }
    }

    private static func cause(of error: any Error) -> AttemptOutcome.BeforeSending {
        if error is NIOSSLError { return .tlsFailed }
        if case .connectTimeout = error as? ChannelError { return .connectTimeout }
        return .connectFailed
    }

    private static func fill(
        _ pipeline: ChannelPipeline.SynchronousOperations, tls: NIOSSLContext?, host: String,
        _ handlers: (encoder: PreparedRequestEncoder, connection: DeliveryConnection)
    ) throws {
        if let tls {
            // An address is checked against the certificate as such; it cannot be sent as a server name.
            let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
            try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : host))
        }
        try pipeline.addHandler(handlers.encoder)
        let decoder = HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)
        try pipeline.addHandler(ByteToMessageHandler(decoder, maximumBufferSize: DeliveryConnection.responseBytes))
        try pipeline.addHandler(handlers.connection)
    }

    private func released(_ connection: DeliveryConnection, _ reusable: Bool) {
        if reusable && !isClosed {
            idle.append(connection)
        } else if reusable {
            connection.close()
        } else {
            idle.removeAll { $0 === connection }
        }
    }
}

/// Why there is no connection.
struct ConnectFailure: Error {
    let outcome: AttemptOutcome
}
