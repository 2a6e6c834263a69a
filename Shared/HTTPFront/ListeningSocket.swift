import Glibc
internal import NIOCore

/// Where a listener takes its connections from.
package enum ListeningSocket: Sendable, Equatable {
    /// Bound by somebody else, who keeps it open while the process restarts, and may let others accept from it too.
    case inherited(CInt)
    /// `sharesPort`: several processes may bind it, and the kernel gives each a part of the connections.
    case bind(host: String, port: Int, sharesPort: Bool = false)
    /// In place of whatever has that name.
    case unix(path: String)

    /// The descriptor, which listens and does not block. Resolves names. Throws `IOError` and `SocketAddressError`.
    func open(backlog: CInt) throws -> CInt {
        switch self {
        case .inherited(let descriptor):
            guard fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0 else {
                throw IOError(errnoCode: errno, reason: "fcntl")
            }
            return descriptor
        case .bind(let host, let port, let sharesPort):
            let address = try SocketAddress.makeAddressResolvingHost(host, port: port)
            return try Self.open(address, options: [SO_REUSEADDR] + (sharesPort ? [SO_REUSEPORT] : []), backlog)
        case .unix(let path):
            let address = try SocketAddress(unixDomainSocketPath: path)
            unlink(path)
            return try Self.open(address, options: [], backlog)
        }
    }

    private static func open(_ address: SocketAddress, options: [CInt], _ backlog: CInt) throws -> CInt {
        func check(_ result: CInt, _ call: String) throws {
            if result != 0 { throw IOError(errnoCode: errno, reason: call) }
        }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.protocol.rawValue, kind, 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        do {
            var one: CInt = 1
            let size = socklen_t(MemoryLayout<CInt>.size)
            for option in options { try check(setsockopt(descriptor, SOL_SOCKET, option, &one, size), "setsockopt") }
            try check(address.withSockAddr { Glibc.bind(descriptor, $0, socklen_t($1)) }, "bind")
            try check(listen(descriptor, backlog), "listen")
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// The port of a bound TCP socket; nil for any other.
    static func port(of descriptor: CInt) -> Int? {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &address) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        guard result == 0, [AF_INET, AF_INET6].contains(CInt(address.ss_family)) else { return nil }
        // In both kinds of address it follows the family.
        return withUnsafeBytes(of: &address) { Int(UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self))) }
    }
}
