import Glibc

/// Tells systemd how the stage is, in the words of sd_notify(3): one datagram to the socket that `NOTIFY_SOCKET` names.
/// Does nothing where that is not set. Never blocks; a notice that finds the socket full is lost, and the next one counts.
package struct ServiceNotifier: Sendable {
    /// That of this process' environment.
    package static let current = ServiceNotifier(socketPath: getenv("NOTIFY_SOCKET").map { String(cString: $0) })

    private let descriptor: Int32
    private let address: sockaddr_un
    private let addressBytes: socklen_t

    /// `socketPath` begins with `@` where it names an abstract socket.
    init(socketPath: String?) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = socketPath.map { Array($0.utf8) } ?? []
        let isUsable = path.count > 1 && path.count < MemoryLayout.size(ofValue: address.sun_path)
        if isUsable {
            withUnsafeMutableBytes(of: &address.sun_path) { target in
                target.copyBytes(from: path)
                if path[0] == UInt8(ascii: "@") { target[0] = 0 }
            }
        }
        self.address = address
        addressBytes = socklen_t(MemoryLayout<sockaddr_un>.offset(of: \.sun_path).map { $0 + path.count } ?? 0)
        descriptor =
            isUsable ? socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0) : -1
    }

    /// Whether somebody wants to be told.
    package var isHeard: Bool { descriptor >= 0 }

    /// `READY=1`, `WATCHDOG=1` or `STOPPING=1`.
    package func notify(_ state: String) {
        guard descriptor >= 0 else { return }
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = sendto(
                    descriptor, state, state.utf8.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL),
                    address, addressBytes)
            }
        }
    }
}
