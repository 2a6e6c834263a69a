import Glibc
package import NIOCore

/// The resolver of the system, with what /etc/hosts, nsswitch.conf and resolv.conf say.
package enum SystemResolver {
    /// All addresses of a host, in the order in which they should be tried (RFC 6724). Blocks.
    package static func ask(_ host: String) -> Result<[SocketAddress], NameNotResolved> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard status == 0 else {
            return .failure(NameNotResolved("\(host): \(NetworkErrorText.text(lookup: status))"))
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
        return addresses.isEmpty ? .failure(NameNotResolved("\(host) has no address")) : .success(addresses)
    }
}

/// Why a host has no addresses.
package struct NameNotResolved: Error {
    package let detail: String

    package init(_ detail: String) {
        self.detail = detail
    }
}
