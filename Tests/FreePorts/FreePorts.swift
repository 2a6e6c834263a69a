import Glibc
import Synchronization

/// Ports of 127.0.0.1 for whoever must know the number before somebody listens on it.
///
/// They lie below the range from which Linux takes the ports of outgoing connections (`net.ipv4.ip_local_port_range`,
/// from 32768 on): a port of that range that is free now may be taken by any connection before it is bound.
package enum FreePorts {
    private static let range: Range<UInt32> = 20_000..<32_000
    /// Processes that run side by side begin in different places.
    private static let taken = Atomic<UInt32>(UInt32(truncatingIfNeeded: getpid()) &* 97)

    /// A port on which nobody listens and which nobody else gets from here before this process ends: it stays bound,
    /// without listening, so whoever binds it with `SO_REUSEADDR`, as servers do, may listen.
    package static func next() -> UInt16 {
        for _ in range {
            let number = taken.add(1, ordering: .relaxed).newValue
            let port = UInt16(range.lowerBound + number % UInt32(range.count))
            if keep(port) { return port }
        }
        fatalError("none of the ports \(range) is free")
    }

    private static func keep(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        let isBound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isBound else {
            close(descriptor)
            return false
        }
        // Only now: two sockets that both say so before may bind one port.
        var reuse: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        return true
    }
}
