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
}
