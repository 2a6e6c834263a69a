import Egress
import NIOCore
import Primitives
import Wire

/// An HTTP proxy that opens connections for the router (CONNECT, RFC 9110, section 9.3.6).
struct EgressProxy: Sendable {
    let host: String
    let port: Int
    /// The whole line of the credentials (RFC 7617); empty without any.
    private let authorization: [UInt8]

    init(host: String, port: Int, username: [UInt8] = [], password: [UInt8] = []) {
        self.host = host
        self.port = port
        guard !username.isEmpty || !password.isEmpty else {
            authorization = []
            return
        }
        let credentials = username + Array(":".utf8) + password
        var encoded = ByteWriter(reservingBytes: credentials.count * 4 / 3 + 4)
        credentials.withUnsafeBytes { Base64.encode($0, to: &encoded) }
        authorization = Array("proxy-authorization: Basic ".utf8) + encoded.bytes + Array("\r\n".utf8)
    }

    /// What asks the proxy for a connection to exactly that address.
    func request(for address: SocketAddress) -> [UInt8] {
        let authority = address.authority
        return Array("CONNECT \(authority) HTTP/1.1\r\nhost: \(authority)\r\n".utf8) + authorization + [0x0D, 0x0A]
    }
}
