import Dispatch
import Glibc
import NIOCore
import StageRuntime

/// Resolves a subscriber's host off the event loop and checks every address; connections go to exactly these.
final class EgressResolver: Sendable {
    private let egress: EgressGuard
    /// getaddrinfo blocks; a few hosts may be slow without holding up the others.
    private let queue = DispatchQueue(label: "resolver", attributes: .concurrent)

    init(_ egress: EgressGuard) {
        self.egress = egress
    }

    /// Calls `done` on `loop`, later. One refused address refuses the host: a name that points inwards with one of its
    /// addresses is not to be trusted with the others.
    func resolve(
        _ endpoint: EndpointURL, on loop: any EventLoop,
        done: @escaping (Result<[SocketAddress], ConnectFailure>) -> Void
    ) {
        let done = NIOLoopBound(done, eventLoop: loop)
        if let address = try? SocketAddress(ipAddress: endpoint.host, port: endpoint.port) {
            let result = check([address])
            loop.execute { done.value(result) }
            return
        }
        queue.async {
            let result = Self.lookUp(endpoint.host, port: endpoint.port).flatMap { self.check($0) }
            loop.execute { done.value(result) }
        }
    }

    /// The addresses themselves, or which one is refused.
    func check(_ addresses: [SocketAddress]) -> Result<[SocketAddress], ConnectFailure> {
        for address in addresses {
            guard let ip = address.ipAddress.flatMap({ IPAddress($0) }), egress.permits(ip) else {
                let detail =
                    "\(address.ipAddress ?? "the address") is not global; list its network in router.egress_allow"
                return .failure(ConnectFailure(outcome: .failedBefore(.addressRefused, detail)))
            }
        }
        return .success(addresses)
    }

    private static func lookUp(_ host: String, port: Int) -> Result<[SocketAddress], ConnectFailure> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, String(port), &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard status == 0 else {
            return .failure(
                ConnectFailure(
                    outcome: .failedBefore(.nameNotResolved, "\(host): \(String(cString: gai_strerror(status)))")))
        }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next {
            next = entry.pointee.ai_next
            guard let raw = entry.pointee.ai_addr else { continue }
            if entry.pointee.ai_family == AF_INET {
                raw.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { addresses.append(SocketAddress($0.pointee)) }
            } else if entry.pointee.ai_family == AF_INET6 {
                raw.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                    addresses.append(SocketAddress($0.pointee))
                }
            }
        }
        return addresses.isEmpty
            ? .failure(ConnectFailure(outcome: .failedBefore(.nameNotResolved, "\(host) has no address")))
            : .success(addresses)
    }
}
