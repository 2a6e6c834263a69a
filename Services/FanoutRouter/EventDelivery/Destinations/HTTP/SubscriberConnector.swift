import Egress
import NIOCore
import NIOPosix
import NIOSSL
import PipelineConfiguration
import Primitives

/// Opens connections to one subscriber: resolves its host anew each time, checks every address, connects to exactly
/// one of these, straight or through the egress proxy.
///
/// Confined to its event loop.
final class SubscriberConnector {
    typealias Opened = (Result<DeliveryConnection, ConnectFailure>) -> Void

    private let endpoint: EndpointURL
    private let resolver: EgressResolver
    private let loop: any EventLoop
    private let tls: NIOSSLContext?
    private let certificateSeen: (Int) -> Void
    /// What TLS asks for and holds the certificate against; nil where the host is an address.
    private let serverName: String?
    /// Called when a connection can take another request or is gone.
    var released: (DeliveryConnection, _ reusable: Bool) -> Void = { _, _ in }

    /// `tls` is looked at for `https` alone.
    init(
        endpoint: EndpointURL, resolver: EgressResolver, loop: any EventLoop, tls: NIOSSLContext?,
        certificateSeen: @escaping (Int) -> Void
    ) throws {
        self.certificateSeen = certificateSeen
        self.endpoint = endpoint
        self.resolver = resolver
        self.loop = loop
        self.tls = endpoint.isTLS ? try tls ?? resolver.sharedTLS() : nil
        let isAddress = (try? SocketAddress(ipAddress: endpoint.host, port: 0)) != nil
        serverName =
            isAddress ? nil : String(endpoint.host.hasSuffix(".") ? endpoint.host.dropLast() : endpoint.host[...])
    }

    /// Calls `done` later, and at `deadline` at the latest. TLS is not waited for: the first request does that.
    func open(deadline: NIODeadline, done: @escaping Opened) {
        resolver.resolve(endpoint, on: loop, deadline: deadline) { [self] result in
            switch result {
            case .failure(let failure): done(.failure(failure))
            case .success(let addresses):
                if let proxy = resolver.proxy {
                    open(through: proxy, to: addresses[...], deadline: deadline, done: done)
                } else {
                    connect(to: addresses[...], deadline: deadline, done: done)
                }
            }
        }
    }

    /// Tries the checked addresses one after the other until one accepts.
    private func connect(to addresses: ArraySlice<SocketAddress>, deadline: NIODeadline, done: @escaping Opened) {
        let connection = newConnection()
        let bound = NIOLoopBound(connection, eventLoop: loop)
        let (tls, serverName) = (tls, serverName)
        tcp(to: addresses, deadline: deadline) { channel in
            try Self.fill(channel.pipeline.syncOperations, tls: tls, serverName: serverName, bound.value)
        } done: { [self] result in
            switch result {
            case .success: done(.success(connection))
            case .failure(let failure) where addresses.count > 1 && !failure.isOfTLS:
                connect(to: addresses.dropFirst(), deadline: deadline, done: done)
            case .failure(let failure): done(.failure(failure))
            }
        }
    }

    /// One TCP connection to the first address. While there are others, it has half of the time that is left.
    private func tcp(
        to addresses: ArraySlice<SocketAddress>, deadline: NIODeadline,
        fill: @escaping @Sendable (any Channel) throws -> Void,
        done: @escaping (Result<any Channel, ConnectFailure>) -> Void
    ) {
        guard let address = addresses.first else {
            return done(.failure(.noAddress))
        }
        let left = (deadline - .now()).nanoseconds
        guard left > 0 else {
            return done(
                .failure(ConnectFailure(outcome: .failed(.connectTimeout, "not connected within the time-out"))))
        }
        let connecting = ClientBootstrap(group: loop)
            .connectTimeout(.nanoseconds(addresses.count > 1 ? max(1, left / 2) : left))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try fill(channel) } }
            .connect(to: address)
        connecting.assumeIsolated().whenComplete { result in
            done(
                result.mapError { error in
                    ConnectFailure(
                        outcome: .failed(
                            Self.cause(of: error), "\(address.authority): \(NetworkErrorText.text(error))"))
                })
        }
    }

    private func newConnection() -> DeliveryConnection {
        DeliveryConnection(isTLS: tls != nil, certificateSeen: certificateSeen) { [weak self] connection, reusable in
            if let self {
                released(connection, reusable)
            } else if reusable {
                connection.close()
            }
        }
    }

    private static func cause(of error: any Error) -> AttemptEnd {
        if error is NIOSSLError || error is NIOSSLExtraError { return .tlsFailed }
        if case .connectTimeout = error as? ChannelError { return .connectTimeout }
        return .connectFailed
    }

    private static func fill(
        _ pipeline: ChannelPipeline.SynchronousOperations, tls: NIOSSLContext?, serverName: String?,
        _ connection: DeliveryConnection
    ) throws {
        // Without a name the certificate is held against the address that the connection goes to.
        if let tls { try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: serverName)) }
        try pipeline.addHandler(connection)
    }

    // MARK: Through the egress proxy

    private func open(
        through proxy: EgressProxy, to addresses: ArraySlice<SocketAddress>, deadline: NIODeadline,
        done: @escaping Opened
    ) {
        guard tls == nil || serverName != nil else {
            // The address at hand would be that of the proxy.
            let detail = "through an egress proxy a certificate cannot be held against a bare address; use a host name"
            return done(.failure(ConnectFailure(outcome: .failed(.tlsFailed, detail))))
        }
        resolver.resolve(proxy, on: loop, deadline: deadline) { [self] result in
            switch result {
            case .failure(let failure): done(.failure(failure))
            case .success(let found):
                ask(proxy, at: found[...], for: addresses, deadline: deadline, done: done)
            }
        }
    }

    /// Tries the proxy's addresses until one accepts, and has it try the subscriber's one after the other.
    private func ask(
        _ proxy: EgressProxy, at proxies: ArraySlice<SocketAddress>, for addresses: ArraySlice<SocketAddress>,
        deadline: NIODeadline, done: @escaping Opened
    ) {
        guard let address = addresses.first else { return done(.failure(.noAddress)) }
        let handshake = ProxyHandshake(request: proxy.request(for: address), deadline: deadline)
        let bound = NIOLoopBound(handshake, eventLoop: loop)
        tcp(to: proxies, deadline: deadline) { channel in
            try channel.pipeline.syncOperations.addHandler(bound.value)
        } done: { [self] result in
            switch result {
            case .success(let channel):
                handshake.whenOver { [self] refusal in
                    guard let refusal else { return finish(channel, without: handshake, done: done) }
                    guard addresses.count > 1 else { return done(.failure(ConnectFailure(outcome: refusal))) }
                    ask(proxy, at: proxies, for: addresses.dropFirst(), deadline: deadline, done: done)
                }
            case .failure where proxies.count > 1:
                ask(proxy, at: proxies.dropFirst(), for: addresses, deadline: deadline, done: done)
            case .failure(let failure): done(.failure(failure.ofProxy))
            }
        }
    }

    /// The channel is a connection to the subscriber now.
    private func finish(_ channel: any Channel, without handshake: ProxyHandshake, done: @escaping Opened) {
        let connection = newConnection()
        do {
            let pipeline = channel.pipeline.syncOperations
            pipeline.removeHandler(handshake, promise: nil)
            try Self.fill(pipeline, tls: tls, serverName: serverName, connection)
            done(.success(connection))
        } catch {
            channel.close(promise: nil)
            done(.failure(ConnectFailure(outcome: .failed(.tlsFailed, NetworkErrorText.text(error)))))
        }
    }
}

/// Why there is no connection.
struct ConnectFailure: Error {
    let outcome: AttemptOutcome

    static let noAddress = ConnectFailure(outcome: .failed(.nameNotResolved, "the host has no address"))

    /// Whether another address would not help.
    var isOfTLS: Bool {
        outcome.end == .tlsFailed
    }

    /// The same of the way to the egress proxy.
    var ofProxy: ConnectFailure {
        ConnectFailure(outcome: .failed(outcome.end, "the egress proxy: \(outcome.detail)"))
    }
}
