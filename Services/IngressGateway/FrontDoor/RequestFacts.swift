import NIOHTTP1

/// What the head of a request says about its framing, checked for everything that two readers could read
/// differently (RFC 9112, sections 3.2, 6.1 and 6.3).
///
/// The parser (llhttp, strict) refuses bare LF, obs-fold, blanks before the colon, bad lengths, repeated lengths, and
/// Transfer-Encoding beside Content-Length; `Tests/IngressGatewayTests` holds it to that. Here is what it lets pass.
struct RequestFacts {
    /// Nil where there is none.
    private(set) var contentLengthBytes: Int?
    private(set) var isChunked = false
    private(set) var expectsContinue = false
    private(set) var expectsElse = false
    /// Whoever asks for another protocol may send bytes of it next; such a connection is not read any further.
    private(set) var asksForUpgrade = false
    /// Names and values with what the envelope adds to them.
    private(set) var fieldsBytes = 0
    /// Lower-case names that the Connection field declares hop-by-hop.
    private(set) var connectionNames: [String] = []

    var hasBody: Bool { isChunked || (contentLengthBytes ?? 0) > 0 }

    /// Throws a refusal that closes.
    init(_ head: HTTPRequestHead) throws(Refusal) {
        guard head.version == .http1_1 || head.version == .http1_0 else {
            throw .malformed("Only HTTP/1.1 and HTTP/1.0 are spoken here.")
        }
        guard head.uri.utf8.count + 16 <= IngressLimits.requestLineBytes else { throw .requestLineTooLong }
        var hosts = 0
        var fields = 0
        for (name, value) in head.headers {
            fields += 1
            fieldsBytes += name.utf8.count + value.utf8.count + 4
            if value.utf8.contains(where: Self.isForbidden) {
                throw .malformed("A header field holds a control character.")
            }
            switch name.utf8.count {
            case 4 where name.isSame(as: "host"): hosts += 1
            case 6 where name.isSame(as: "expect"): noteExpectation(value)
            case 7 where name.isSame(as: "upgrade"): asksForUpgrade = true
            case 10 where name.isSame(as: "connection"): noteConnection(value)
            case 14 where name.isSame(as: "content-length"): try noteLength(value)
            case 17 where name.isSame(as: "transfer-encoding"): try noteEncoding(value, head.version)
            default: break
            }
        }
        guard fields <= IngressLimits.headerFields, fieldsBytes <= IngressLimits.headerBytes + 4 * fields else {
            throw .headTooLarge
        }
        guard !(isChunked && contentLengthBytes != nil) else {
            throw .malformed("Transfer-Encoding and Content-Length exclude each other.")
        }
        guard hosts == 1 || (hosts == 0 && head.version == .http1_0) else {
            throw .malformed("A request has exactly one Host field.")
        }
        if head.method == .CONNECT { throw .malformed("CONNECT is not served here.") }
    }

    private mutating func noteLength(_ value: String) throws(Refusal) {
        guard contentLengthBytes == nil else { throw .malformed("Content-Length is repeated.") }
        guard !value.isEmpty, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(value) else {
            throw .malformed("Content-Length is not a number.")
        }
        contentLengthBytes = length
    }

    private mutating func noteEncoding(_ value: String, _ version: HTTPVersion) throws(Refusal) {
        guard !isChunked, version == .http1_1, value.isSame(as: "chunked") else {
            throw .malformed("The only Transfer-Encoding is chunked, once, in HTTP/1.1.")
        }
        isChunked = true
    }

    private mutating func noteExpectation(_ value: String) {
        if value.isSame(as: "100-continue") { expectsContinue = true } else { expectsElse = true }
    }

    private mutating func noteConnection(_ value: String) {
        for part in value.utf8.split(separator: UInt8(ascii: ",")) {
            let name = String(decoding: part.filter { $0 != 0x20 && $0 != 0x09 }, as: UTF8.self).lowercased()
            if name != "close", name != "keep-alive", !name.isEmpty { connectionNames.append(name) }
        }
    }

    private static func isForbidden(_ byte: UInt8) -> Bool {
        (byte < 0x20 && byte != 0x09) || byte == 0x7F
    }
}

extension String {
    /// Whether the text is `lower` but for the case of its ASCII letters.
    func isSame(as lower: StaticString) -> Bool {
        guard utf8.count == lower.utf8CodeUnitCount else { return false }
        return lower.withUTF8Buffer { lower in
            zip(utf8, lower).allSatisfy { byte, other in
                ((0x41...0x5A).contains(byte) ? byte | 0x20 : byte) == other
            }
        }
    }
}
