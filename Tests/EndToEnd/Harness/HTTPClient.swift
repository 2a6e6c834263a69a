import Glibc

/// An answer as it was read.
struct HTTPReply {
    let status: Int
    /// The head without its status line, in lower case.
    let head: String
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The value of a field, by its lower-case name.
    func field(_ name: String) -> String? {
        head.split(separator: "\r\n").first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
    }
}

/// A blocking HTTP/1.1 connection. Cheap in debug builds, and it sends any bytes that it is given.
final class HTTPClient {
    private let descriptor: Int32
    private var received: [UInt8] = []
    private var chunk = [UInt8](repeating: 0, count: 16384)

    /// Connects to a port of the loopback interface.
    init(port: UInt16) throws {
        descriptor = try Sockets.connect(port: port)
    }

    /// Connects to a Unix socket.
    init(path: String) throws {
        descriptor = try Sockets.connect(path: path)
    }

    deinit {
        close(descriptor)
    }

    /// One request, one answer. Throws when the connection ends before.
    func exchange(_ request: [UInt8]) throws -> HTTPReply {
        try send(request)
        return try receive()
    }

    func send(_ bytes: [UInt8]) throws {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress?.advanced(by: written), $0.count - written, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure("sending failed: \(String(cString: strerror(errno)))") }
            written += count
        }
    }

    func receive() throws -> HTTPReply {
        while true {
            if let headBytes = Bytes.find("\r\n\r\n", in: received) {
                let lines = String(decoding: received[..<headBytes], as: UTF8.self)
                guard let lineEnd = lines.firstRange(of: "\r\n") else { throw Failure("an answer without fields") }
                let head = lines[lineEnd.upperBound...].lowercased()
                let status = Int(lines.dropFirst(9).prefix(3)) ?? 0
                if status == 100 {
                    received.removeFirst(headBytes + 4)
                    continue
                }
                let length = Bytes.contentLength(of: received, headBytes: headBytes) ?? 0
                if received.count >= headBytes + 4 + length {
                    let body = Array(received[(headBytes + 4)..<(headBytes + 4 + length)])
                    received.removeFirst(headBytes + 4 + length)
                    return HTTPReply(status: status, head: head, body: body)
                }
            }
            try receiveMore()
        }
    }

    private func receiveMore() throws {
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else {
            throw Failure(count == 0 ? "the connection was closed" : String(cString: strerror(errno)))
        }
        received += chunk[..<count]
    }

    /// A GET that ends with the answer.
    static func get(_ target: String, unix path: String) throws -> HTTPReply {
        try request("GET", target, unix: path)
    }

    /// A request, with a JSON body unless that is empty, that ends with the answer.
    static func request(_ method: String, _ target: String, _ body: String = "", unix path: String) throws -> HTTPReply
    {
        let fields = body.isEmpty ? "" : "Content-Type: application/json\r\n"
        let request = """
            \(method) \(target) HTTP/1.1\r\nHost: local\r\nConnection: close\r\n\(fields)\
            Content-Length: \(body.utf8.count)\r\n\r\n\(body)
            """
        return try HTTPClient(path: path).exchange(Array(request.utf8))
    }
}

/// Searching in bytes with the C library, which is fast in debug builds too.
enum Bytes {
    /// Where `text` begins.
    static func find(_ text: StaticString, in bytes: [UInt8], from start: Int = 0) -> Int? {
        bytes.withUnsafeBytes { find(text, in: UnsafeRawBufferPointer(rebasing: $0[start...])).map { $0 + start } }
    }

    static func find(_ text: StaticString, in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        let size = text.utf8CodeUnitCount
        var start = 0
        while start + size <= bytes.count,
            let first = memchr(base + start, Int32(text.utf8Start.pointee), bytes.count - size - start + 1)
        {
            let offset = UnsafeRawPointer(first) - base
            if memcmp(base + offset, text.utf8Start, size) == 0 { return offset }
            start = offset + 1
        }
        return nil
    }

    /// The value of `Content-Length` in a head that ends at `headBytes`.
    static func contentLength(of bytes: [UInt8], headBytes: Int) -> Int? {
        bytes.withUnsafeBytes { contentLength(of: UnsafeRawBufferPointer(rebasing: $0[..<headBytes])) }
    }

    static func contentLength(of head: UnsafeRawBufferPointer) -> Int? {
        guard let start = find("ontent-length: ", in: head) ?? find("ontent-Length: ", in: head) else { return nil }
        var value = 0
        for byte in head[(start + 15)...] {
            guard byte >= 0x30, byte <= 0x39 else { break }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }
}
