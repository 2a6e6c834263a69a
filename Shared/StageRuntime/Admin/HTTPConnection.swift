import Glibc

/// A blocking HTTP/1.1 connection for tools: one request at a time, kept alive between them. Not for stages.
package final class HTTPConnection {
    private let descriptor: Int32
    /// Where it is there, it has the socket.
    private let stream: (any ByteStream)?
    private var received: [UInt8] = []
    /// Whether another request may follow on this connection.
    package private(set) var isOpen = true

    /// Connects to a Unix socket.
    package init(unixSocket path: String, timeoutSeconds: Int = 30) throws(HTTPFailure) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < capacity else {
            throw HTTPFailure(.notReachable, "\(path) is too long for a Unix socket")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        stream = nil
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        Self.setTimeout(descriptor, timeoutSeconds)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let number = errno
            Glibc.close(descriptor)
            if number == EACCES || number == EPERM {
                throw HTTPFailure(.notPermitted, FileAccess.failure(path, number).sentence)
            }
            throw HTTPFailure(.notReachable, "nothing answers on \(path): \(String(cString: strerror(number)))")
        }
    }

    /// Connects to the first address of a host that accepts.
    package init(host: String, port: Int, timeoutSeconds: Int = 30) throws(HTTPFailure) {
        descriptor = try Self.connected(host: host, port: port, timeoutSeconds: timeoutSeconds)
        stream = nil
    }

    /// Over what somebody else has connected, such as TLS.
    package init(over stream: any ByteStream) {
        descriptor = -1
        self.stream = stream
    }

    /// A socket that is connected to the first address of a host that accepts; the caller closes it.
    package static func connected(
        host: String, port: Int, timeoutSeconds: Int
    ) throws(HTTPFailure) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &found) == 0 else {
            throw HTTPFailure(.notReachable, "the host \(host) has no address")
        }
        defer { freeaddrinfo(found) }
        var candidate = found
        var reason = "no address"
        while let address = candidate?.pointee {
            let descriptor = socket(address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
            setTimeout(descriptor, timeoutSeconds)
            if connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 {
                var one: Int32 = 1
                setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
                return descriptor
            }
            reason = String(cString: strerror(errno))
            Glibc.close(descriptor)
            candidate = address.ai_next
        }
        throw HTTPFailure(.notReachable, "nothing answers on \(host):\(port): \(reason)")
    }

    deinit {
        if stream == nil { Glibc.close(descriptor) }
    }

    /// Sends a request and waits for its answer. After a failure the connection is of no further use.
    package func exchange(
        _ method: String, _ target: String, host: String, headers: [(String, String)] = [], body: [UInt8] = []
    ) throws(HTTPFailure) -> HTTPReply {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if !body.isEmpty || method != "GET" { head += "Content-Length: \(body.count)\r\n" }
        isOpen = false
        try send(Array((head + "\r\n").utf8) + body)
        var parser = HTTPReplyParser()
        while true {
            do {
                if let reply = try parser.parse(&received) {
                    isOpen = reply.keepAlive
                    return reply
                }
            } catch {
                throw HTTPFailure(.brokenAnswer, "the answer is not HTTP/1.1: \(error.reason)")
            }
            guard try receive() else {
                guard let reply = parser.atEnd(&received) else {
                    throw HTTPFailure(.noAnswer, "the connection was closed before the answer was complete")
                }
                return reply
            }
        }
    }

    private func send(_ bytes: [UInt8]) throws(HTTPFailure) {
        if let stream { return try stream.send(bytes) }
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(
                    descriptor, buffer.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw HTTPFailure(.noAnswer, "the request could not be sent: \(String(cString: strerror(errno)))")
            }
            sent += count
        }
    }

    /// False at the end of the stream.
    private func receive() throws(HTTPFailure) -> Bool {
        if let stream {
            let bytes = try stream.receive()
            received += bytes
            return !bytes.isEmpty
        }
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            if count < 0 {
                let late = errno == EAGAIN || errno == EWOULDBLOCK
                let reason = late ? "no answer in time" : String(cString: strerror(errno))
                throw HTTPFailure(.noAnswer, reason)
            }
            received += chunk[..<count]
            return count > 0
        }
    }

    private static func setTimeout(_ descriptor: Int32, _ seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
    }
}

/// What carries requests and answers; blocking.
package protocol ByteStream {
    func send(_ bytes: [UInt8]) throws(HTTPFailure)
    /// The bytes that came; none at the end of the stream.
    func receive() throws(HTTPFailure) -> [UInt8]
}

/// Why a request got no answer.
package struct HTTPFailure: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        /// Nobody listens there.
        case notReachable
        /// Somebody may listen there, but not for this user.
        case notPermitted
        /// Somebody listens there, but TLS did not come about: nothing was sent.
        case notTrusted
        /// The request may or may not have been carried out.
        case noAnswer
        case brokenAnswer
    }

    package let code: Code
    package let sentence: String

    package init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    package var description: String { sentence }
}
