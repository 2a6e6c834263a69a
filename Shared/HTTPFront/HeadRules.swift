internal import Wire

/// Decides whether a head is one unambiguous request of HTTP/1.1 or HTTP/1.0: refuses everything that two readers could
/// read differently (RFC 9112, sections 3.2, 6.1 and 6.3; RFC 9110, section 7.2). The same for every listener.
///
/// Sees the fields one by one as they come, and says what it thinks of them when the head is whole.
struct HeadRules {
    /// Where method and target lie in the head, and what stands behind them.
    struct RequestLine {
        var method = 0..<0
        var target = 0..<0
        var version = 0..<0
    }

    private var facts = HeadFacts()
    private var hosts = 0
    /// Where the value of the last Host field lies in the head.
    private var host: Range<Int>?
    /// The elements of all Transfer-Encoding fields; nil where there is no such field.
    private var codings: [String]?
    private var closes = false
    private var staysOpen = false
    /// What is wrong with the fields so far.
    private var refusal: HeadRefusal?

    /// Takes note of a field whose value begins at that place of the head.
    mutating func note(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, at place: Int) {
        facts.fieldsBytes += name.count + value.count + 4
        switch name.count {
        case 4 where name.isWord("host"):
            hosts += 1
            host = place..<place + value.count
        case 6 where name.isWord("expect"):
            if value.isWord("100-continue") { facts.expectsContinue = true } else { facts.expectsElse = true }
        case 7 where name.isWord("upgrade"): facts.asksForUpgrade = true
        case 10 where name.isWord("connection"): noteConnection(value)
        case 11 where name.isWord("traceparent"): facts.hasTraceContext = true
        case 14 where name.isWord("content-length"): noteLength(value)
        case 17 where name.isWord("transfer-encoding"):
            var elements = codings ?? []
            value.forEachElement { elements.append(String(decoding: $0, as: UTF8.self).lowercased()) }
            codings = elements
        default: break
        }
    }

    private mutating func noteLength(_ value: UnsafeRawBufferPointer) {
        guard facts.contentLengthBytes == nil else { return object("Content-Length is repeated.") }
        var length = 0
        for byte in value {
            let (tens, isTooMuch) = length.multipliedReportingOverflow(by: 10)
            let (sum, isMore) = tens.addingReportingOverflow(Int(byte) - 0x30)
            guard (0x30...0x39).contains(byte), !isTooMuch, !isMore else {
                return object("Content-Length is not a number.")
            }
            length = sum
        }
        guard !value.isEmpty else { return object("Content-Length is not a number.") }
        facts.contentLengthBytes = length
    }

    private mutating func noteConnection(_ value: UnsafeRawBufferPointer) {
        value.forEachElement { name in
            if name.isWord("close") {
                closes = true
            } else if name.isWord("keep-alive") {
                staysOpen = true
            } else if !name.isEmpty {
                facts.connectionNames.append(String(decoding: name, as: UTF8.self).lowercased())
            }
        }
    }

    private mutating func object(_ sentence: String) {
        if refusal == nil { refusal = .malformed(sentence) }
    }

    /// What the whole head says.
    consuming func facts(of head: UnsafeRawBufferPointer, _ line: RequestLine) throws(HeadRefusal) -> HeadFacts {
        let (method, version) = (head.part(line.method), head.part(line.version))
        let isVersion10 = version.equals("HTTP/1.0")
        guard isVersion10 || version.equals("HTTP/1.1") else {
            throw .malformed("Only HTTP/1.1 and HTTP/1.0 are spoken here.")
        }
        guard (1...32).contains(method.count), method.allSatisfy(Self.isMethodByte) else {
            throw .malformed("The method is not one word of capital letters.")
        }
        if let refusal { throw refusal }
        facts.isVersion10 = isVersion10
        facts.isChunked = try isChunked()
        facts.closes = isVersion10 ? !staysOpen || closes : closes
        if isVersion10 { facts.expectsContinue = false }
        guard hosts == 1 || (hosts == 0 && isVersion10) else {
            throw .malformed("A request has exactly one Host field.")
        }
        let host = host.map { head.part($0) }
        if let host, !Self.isAuthority(host) {
            throw .malformed("Host is not a name or address with at most a port behind it.")
        }
        try Self.check(target: head.part(line.target), method: method, host: host)
        return facts
    }

    private func isChunked() throws(HeadRefusal) -> Bool {
        guard let codings else { return false }
        guard !facts.isVersion10 else { throw .malformed("HTTP/1.0 has no Transfer-Encoding.") }
        guard facts.contentLengthBytes == nil else {
            throw .malformed("Transfer-Encoding and Content-Length exclude each other.")
        }
        guard !codings.isEmpty, codings.firstIndex(of: "chunked") == codings.count - 1,
            codings.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isToken) })
        else { throw .malformed("Transfer-Encoding does not end in chunked, once.") }
        guard codings.count == 1 else {
            throw HeadRefusal(
                501, "transfer_coding_unknown", "The only Transfer-Encoding that is read here is chunked.")
        }
        return true
    }

    /// The four forms of RFC 9112, section 3.2, without those that nobody needs here.
    private static func check(
        target: UnsafeRawBufferPointer, method: UnsafeRawBufferPointer, host: UnsafeRawBufferPointer?
    ) throws(HeadRefusal) {
        if method.equals("CONNECT") { throw .malformed("CONNECT is not served here.") }
        guard target.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .malformed("The target holds a blank, a control character or a byte beyond ASCII.")
        }
        guard !target.contains(UInt8(ascii: "#")) else { throw .malformed("The target has a fragment.") }
        if target.first == UInt8(ascii: "/") { return }
        if target.equals("*") {
            guard method.equals("OPTIONS") else { throw .malformed("The target * belongs to OPTIONS alone.") }
            return
        }
        let lower = String(decoding: target, as: UTF8.self).lowercased()
        guard let scheme = ["http://", "https://"].first(where: { lower.hasPrefix($0) }) else {
            throw .malformed("The target is neither a path nor a URL of http or https.")
        }
        let authority = Array(lower.utf8.dropFirst(scheme.utf8.count).prefix { $0 != 0x2F && $0 != 0x3F })
        guard authority.withUnsafeBytes(isAuthority),
            host.map({ String(decoding: $0, as: UTF8.self).lowercased().utf8.elementsEqual(authority) }) ?? true
        else { throw .malformed("The target names another host than Host does.") }
    }

    /// `uri-host [":" port]` of RFC 9110, section 7.2: a name, an IPv4 address, or an IPv6 address in brackets. Of the
    /// signs that RFC 3986 allows in a name, those that no host name has are refused.
    private static func isAuthority(_ text: UnsafeRawBufferPointer) -> Bool {
        var end = 0
        if text.first == UInt8(ascii: "[") {
            guard let bracket = text.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let inside = text[1..<bracket]
            guard inside.contains(UInt8(ascii: ":")),
                inside.allSatisfy({ isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { return false }
            end = bracket + 1
        } else {
            while end < text.count, isHostByte(text[end]) { end += 1 }
            guard (1...255).contains(end) else { return false }
        }
        guard end < text.count else { return true }
        let port = text[(end + 1)...]
        return text[end] == UInt8(ascii: ":") && port.count <= 5 && port.allSatisfy { (0x30...0x39).contains($0) }
            && port.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 65535
    }

    // MARK: Bytes

    /// A byte of a `token` (RFC 9110, section 5.6.2), such as a field's name: a letter, a digit or one of
    /// ``!#$%&'*+-.^_`|~``; a bit for each of them.
    static func isToken(_ byte: UInt8) -> Bool {
        let bits: UInt64 = byte < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
        return byte < 128 && bits &>> UInt64(byte) & 1 == 1
    }

    /// A byte of a field's value or a chunk's extension: no control character but the tab.
    static func isText(_ byte: UInt8) -> Bool { byte >= 0x20 ? byte != 0x7F : byte == 0x09 }

    /// Whether all are; eight at a time as long as there is neither a control character nor a tab.
    static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var place = 0
        while place < bytes.count, bytes.count >= 8 {
            // The last eight may have been looked at in part.
            let eight = bytes.loadUnaligned(fromByteOffset: min(place, bytes.count - 8), as: UInt64.self)
            let deletes = eight ^ 0x7F7F_7F7F_7F7F_7F7F
            let controls = (eight &- 0x2020_2020_2020_2020) & ~eight | (deletes &- 0x0101_0101_0101_0101) & ~deletes
            guard controls & 0x8080_8080_8080_8080 == 0 else { break }
            place += 8
        }
        while place < bytes.count {
            guard isText(bytes[place]) else { return false }
            place += 1
        }
        return true
    }

    static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }

    /// Every registered method is made of these.
    private static func isMethodByte(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || byte == UInt8(ascii: "-")
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }
}
