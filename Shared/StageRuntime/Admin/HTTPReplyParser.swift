import Wire

/// An HTTP answer, read completely.
package struct HTTPReply: Sendable {
    package let status: Int
    /// Names in lower case.
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]
    let keepAlive: Bool

    /// The first value of a header; the name in lower case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }

    package var text: String { String(decoding: body, as: UTF8.self) }
}

/// Reads one HTTP/1.1 answer out of bytes that come in pieces.
struct HTTPReplyParser {
    struct Failure: Error {
        let reason: String
    }

    /// What our own endpoints answer at most is far below.
    static let maxHeadBytes = 64 * 1024

    private var head: (status: Int, headers: [(name: String, value: String)])?

    /// The answer once it is complete, taken off the front of `bytes`; nil when more must be read.
    mutating func parse(_ bytes: inout [UInt8]) throws(Failure) -> HTTPReply? {
        while head == nil {
            guard let end = Self.find(Array("\r\n\r\n".utf8), in: bytes[...]) else {
                guard bytes.count <= Self.maxHeadBytes else { throw Failure(reason: "its head does not end") }
                return nil
            }
            let parsed = try Self.parseHead(String(decoding: bytes[..<end], as: UTF8.self))
            bytes.removeFirst(end + 4)
            // 100 Continue and its like come before the answer proper.
            if parsed.status >= 200 { head = parsed }
        }
        guard let head else { return nil }
        if head.status == 204 || head.status == 304 { return reply([]) }
        if value("transfer-encoding")?.lowercased() == "chunked" {
            guard let (body, used) = try Self.dechunk(bytes) else { return nil }
            bytes.removeFirst(used)
            return reply(body)
        }
        guard let length = value("content-length") else { return nil }
        guard let count = Int(length), count >= 0 else { throw Failure(reason: "its Content-Length is no number") }
        guard bytes.count >= count else { return nil }
        let body = Array(bytes[..<count])
        bytes.removeFirst(count)
        return reply(body)
    }

    /// An answer without a length ends with the connection.
    func atEnd(_ bytes: inout [UInt8]) -> HTTPReply? {
        guard let head, value("content-length") == nil, value("transfer-encoding") == nil else { return nil }
        defer { bytes = [] }
        return HTTPReply(status: head.status, headers: head.headers, body: bytes, keepAlive: false)
    }

    private func value(_ name: String) -> String? {
        head?.headers.first { $0.name == name }?.value
    }

    private func reply(_ body: [UInt8]) -> HTTPReply {
        HTTPReply(
            status: head?.status ?? 0, headers: head?.headers ?? [], body: body,
            keepAlive: value("connection")?.lowercased() != "close")
    }

    private static func parseHead(
        _ text: String
    ) throws(Failure) -> (status: Int, headers: [(name: String, value: String)]) {
        // A line ending is one Character, so it is split off as such.
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        let first = lines[0].split(separator: " ", maxSplits: 2)
        guard first.count >= 2, first[0].hasPrefix("HTTP/1."), let status = Int(first[1]) else {
            throw Failure(reason: "its first line is \"\(lines[0].prefix(80))\"")
        }
        let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (line[..<colon].lowercased(), String(FieldValue.trimmed(line[line.index(after: colon)...])))
        }
        return (status, headers)
    }

    /// The body and how many bytes it took; nil when it is not complete.
    private static func dechunk(_ bytes: [UInt8]) throws(Failure) -> (body: [UInt8], used: Int)? {
        let lineEnd = Array("\r\n".utf8)
        var body: [UInt8] = []
        var position = 0
        while true {
            guard let end = find(lineEnd, in: bytes[position...]) else { return nil }
            let digits = String(decoding: bytes[position..<end], as: UTF8.self).prefix { $0 != ";" }
            guard let size = Int(digits, radix: 16), size >= 0 else { throw Failure(reason: "a chunk has no size") }
            let start = end + 2
            guard size <= bytes.count - start - 2 else { return nil }
            body += bytes[start..<(start + size)]
            position = start + size + 2
            if size == 0 { return (body, position) }
        }
    }

    private static func find(_ pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= pattern.count else { return nil }
        return (bytes.startIndex...(bytes.endIndex - pattern.count)).first { start in
            bytes[start] == pattern[0] && bytes[start..<(start + pattern.count)].elementsEqual(pattern)
        }
    }
}
