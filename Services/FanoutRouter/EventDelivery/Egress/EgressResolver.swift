import Egress
import NIOCore
import NIOSSL
import PipelineConfiguration
import Primitives
import Synchronization

/// The router's way out: resolves a subscriber's host and checks every address; connections go to exactly these, by
/// way of the egress proxy where there is one.
final class EgressResolver: Sendable {
    /// Through what every connection goes; nil: straight.
    let proxy: EgressProxy?
    private let egress: EgressGuard
    private let lookups: NameLookups
    private let systemTLS = Mutex<NIOSSLContext?>(nil)

    init(_ egress: EgressGuard, proxy: EgressProxy? = nil, lookups: NameLookups = NameLookups()) {
        self.egress = egress
        self.proxy = proxy
        self.lookups = lookups
    }

    /// Calls `done` on `loop`, later, and at `deadline` at the latest. One refused address refuses the host: a name
    /// that points inwards with one of its addresses is not to be trusted with the others.
    func resolve(
        _ endpoint: EndpointURL, on loop: any EventLoop, deadline: NIODeadline,
        done: @escaping (Result<[SocketAddress], ConnectFailure>) -> Void
    ) {
        addresses(of: endpoint.host, port: endpoint.port, on: loop, deadline: deadline) { found in
            done(
                found.mapError { ConnectFailure(outcome: .failed(.nameNotResolved, $0.detail)) }
                    .flatMap { self.check($0, for: endpoint) })
        }
    }

    /// The addresses of the proxy. They are the operator's choice and not checked.
    func resolve(
        _ proxy: EgressProxy, on loop: any EventLoop, deadline: NIODeadline,
        done: @escaping (Result<[SocketAddress], ConnectFailure>) -> Void
    ) {
        addresses(of: proxy.host, port: proxy.port, on: loop, deadline: deadline) { found in
            done(
                found.mapError {
                    ConnectFailure(outcome: .failed(.connectFailed, "the egress proxy is unknown: \($0.detail)"))
                })
        }
    }

    /// The TLS of subscriptions that ask for nothing special: the certificates that this system trusts. Read once.
    func sharedTLS() throws -> NIOSSLContext {
        if let context = systemTLS.withLock({ $0 }) { return context }
        let context = try ClientTLS.context()
        systemTLS.withLock { $0 = context }
        return context
    }

    private func addresses(
        of host: String, port: Int, on loop: any EventLoop, deadline: NIODeadline,
        done: @escaping (NameLookups.Found) -> Void
    ) {
        if let address = try? SocketAddress(ipAddress: host, port: port) {
            loop.assumeIsolated().execute { done(.success([address])) }
            return
        }
        lookups.find(host, on: loop, deadline: deadline) { found in
            done(
                found.map { addresses in
                    addresses.map { address in
                        var address = address
                        address.port = port
                        return address
                    }
                })
        }
    }

    /// The addresses themselves, or which one is refused and why.
    private func check(
        _ addresses: [SocketAddress], for endpoint: EndpointURL
    ) -> Result<[SocketAddress], ConnectFailure> {
        guard !addresses.isEmpty else { return .failure(.noAddress) }
        for address in addresses {
            let text = address.ipAddress ?? "the address"
            guard let ip = IPAddress(text), egress.permits(ip) else {
                return Self.refused(
                    "\(Self.named(text, endpoint)) is not global; list its network in router.egress_allow")
            }
            guard endpoint.isTLS || egress.permitsHTTP(to: ip) else {
                return Self.refused(
                    "\(endpoint.schemes.plain):// to \(Self.named(text, endpoint)) is not encrypted; use "
                        + "\(endpoint.schemes.encrypted)://, list the network in router.egress_allow or set "
                        + "router.allow_http")
            }
        }
        return .success(addresses)
    }

    private static func named(_ address: String, _ endpoint: EndpointURL) -> String {
        address == endpoint.host ? address : "\(address) (\(endpoint.host))"
    }

    private static func refused(_ detail: String) -> Result<[SocketAddress], ConnectFailure> {
        .failure(ConnectFailure(outcome: .failed(.addressRefused, detail)))
    }
}
