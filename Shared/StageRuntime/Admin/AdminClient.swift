/// Asks the admin endpoint of a stage over its Unix socket; blocking, for the command line and for tests.
package struct AdminClient: Sendable {
    package let socketPath: String
    package let timeoutSeconds: Int

    package init(socketPath: String, timeoutSeconds: Int = 30) {
        self.socketPath = socketPath
        self.timeoutSeconds = timeoutSeconds
    }

    /// Asks with a connection of its own. `target` is a path with its query, percent-encoded.
    package func request(_ method: String, _ target: String, body: [UInt8] = []) throws(HTTPFailure) -> HTTPReply {
        let connection = try HTTPConnection(unixSocket: socketPath, timeoutSeconds: timeoutSeconds)
        let type = body.isEmpty ? [] : [("Content-Type", "application/json")]
        return try connection.exchange(
            method, target, host: "localhost", headers: type + [("Connection", "close")], body: body)
    }

    /// A text so that it can be part of a path or a query.
    package static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}
