import Egress
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import PipelineConfiguration
import Primitives

/// Looks at one destination as a delivery would come to it, up to the end of the TLS handshake. Blocks.
struct DestinationProbe {
    private static let timeout = TimeAmount.seconds(5)

    private let target: DestinationFindings.Target

    init(_ target: DestinationFindings.Target) {
        self.target = target
    }

    /// What is wrong, or that nothing is.
    func findings() -> [Finding] {
        let addresses: [SocketAddress]
        do {
            addresses = try self.addresses()
        } catch {
            return [finding(.error, error.detail, .name)]
        }
        for address in addresses {
            if let refusal = refusal(of: address) { return [finding(.error, refusal, .egress)] }
        }
        return connect(to: addresses)
    }

    private func finding(_ severity: Finding.Severity, _ sentence: String, _ code: FindingCode) -> Finding {
        Finding(severity, "\(target.words) (\(target.url.hostHeader))", sentence, code: code)
    }

    private func addresses() throws(NameNotResolved) -> [SocketAddress] {
        let (host, port) = (target.url.host, target.url.port)
        if let address = try? SocketAddress(ipAddress: host, port: port) { return [address] }
        return try SystemResolver.ask(host).get().map { address in
            var address = address
            address.port = port
            return address
        }
    }

    private func refusal(of address: SocketAddress) -> String? {
        guard let egress = target.egress else { return nil }
        let text = address.ipAddress ?? "the address"
        guard let ip = IPAddress(text), egress.permits(ip) else { return "\(text) is not a global address" }
        return target.url.isTLS || egress.permitsHTTP(to: ip) ? nil : "\(text) would be spoken to unencrypted"
    }

    /// The first address that answers counts, as for deliveries.
    private func connect(to addresses: [SocketAddress]) -> [Finding] {
        var failure = finding(.error, "it has no address", .name)
        for address in addresses {
            let text = address.ipAddress ?? "the address"
            let ending: HandshakeEnding
            do {
                let context = try tls()
                ending = try Self.shake(address, context, host: target.url.host)
            } catch let error as ClientTLSError {
                return [finding(.error, error.description, .tls)]
            } catch {
                failure = finding(
                    .error, "\(text) cannot be connected to: \(NetworkErrorText.text(error))", .connection)
                continue
            }
            if let trouble = ending.trouble { return [finding(.error, "\(text): \(trouble)", .tls)] }
            let reached = finding(.fine, "\(text) can be connected to", .connection)
            guard let expiresAt = ending.expiresAtSeconds else { return [reached] }
            return [reached, CertificateFindings.finding(reached.key, expiresAtSeconds: expiresAt)]
        }
        return [failure]
    }

    /// Nil where the connection does not begin with TLS; servers of NATS say something first.
    private func tls() throws -> NIOSSLContext? {
        guard target.url.isTLS, target.url.schemes != .nats else { return nil }
        let tls = target.tls
        return try ClientTLS.context(
            ca: try? tls?.ca?.resolve(), certificate: try? tls?.certificate?.resolve(), key: try? tls?.key?.resolve())
    }

    /// What a handshake came to; neither where there was none.
    struct HandshakeEnding: Sendable {
        var trouble: String?
        var expiresAtSeconds: Int?
    }

    private static func shake(
        _ address: SocketAddress, _ context: NIOSSLContext?, host: String
    ) throws -> HandshakeEnding {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let ended = loop.makePromise(of: HandshakeEnding.self)
        let connected = ClientBootstrap(group: loop).connectTimeout(timeout).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                guard let context else { return }
                let name = IPAddress(host) == nil ? host : nil
                try channel.pipeline.syncOperations.addHandler(
                    try NIOSSLClientHandler(context: context, serverHostname: name))
                try channel.pipeline.syncOperations.addHandler(HandshakeChannelHandler(ended))
            }
        }.connect(to: address)
        connected.whenFailure { ended.fail($0) }
        if context == nil { connected.whenSuccess { _ in ended.succeed(HandshakeEnding()) } }
        let late = loop.scheduleTask(in: timeout + timeout) {
            ended.succeed(HandshakeEnding(trouble: "no handshake within \(timeout.nanoseconds / 500_000_000) s"))
        }
        defer {
            late.cancel()
            connected.whenSuccess { $0.close(promise: nil) }
        }
        return try ended.futureResult.wait()
    }
}

/// Waits for the end of the handshake.
private final class HandshakeChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let ended: EventLoopPromise<DestinationProbe.HandshakeEnding>

    init(_ ended: EventLoopPromise<DestinationProbe.HandshakeEnding>) {
        self.ended = ended
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted = event as? TLSUserEvent else { return }
        let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
        ended.succeed(.init(expiresAtSeconds: certificate.map { Int($0.notValidAfter) }))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        ended.succeed(.init(trouble: NetworkErrorText.text(error)))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended.succeed(.init(trouble: "the connection was closed within the handshake"))
    }
}
