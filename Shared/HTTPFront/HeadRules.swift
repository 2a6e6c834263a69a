import Wire

/// Decides whether a head is one unambiguous request of HTTP/1.1 or HTTP/1.0: refuses everything that two readers could
/// read differently (RFC 9112, sections 3.2, 6.1 and 6.3; RFC 9110, section 7.2). The same for every listener.
package enum HeadRules {
    /// `fields` are names and trimmed values in their order. Throws a refusal.
    package static func check(
        method: String, target: String, version: String, fields: [(String, String)]
    ) throws(HeadRefusal) -> HeadFacts {
        guard version == "HTTP/1.1" || version == "HTTP/1.0" else {
            throw .malformed("Only HTTP/1.1 and HTTP/1.0 are spoken here.")
        }
        guard (1...32).contains(method.utf8.count), method.utf8.allSatisfy(isMethodByte) else {
            throw .malformed("The method is not one word of capital letters.")
        }
        let isVersion10 = version == "HTTP/1.0"
        var reading = Reading()
        for (name, value) in fields { try reading.note(name, value) }
        var facts = reading.facts
        facts.isChunked = try isChunked(reading.codings, isVersion10: isVersion10, facts)
        facts.closes = isVersion10 ? !reading.staysOpen || reading.closes : reading.closes
        if isVersion10 { facts.expectsContinue = false }
        guard reading.hosts == 1 || (reading.hosts == 0 && isVersion10) else {
            throw .malformed("A request has exactly one Host field.")
        }
        if let host = reading.host, !isAuthority(host) {
            throw .malformed("Host is not a name or address with at most a port behind it.")
        }
        try check(target: target, method: method, host: reading.host)
        return facts
    }

    /// The fields that matter, while they are gone through.
    private struct Reading {
        var facts = HeadFacts()
        var hosts = 0
        var host: String?
        /// The elements of all Transfer-Encoding fields; nil where there is no such field.
        var codings: [String]?
        var closes = false
        var staysOpen = false

        mutating func note(_ name: String, _ value: String) throws(HeadRefusal) {
            facts.fieldsBytes += name.utf8.count + value.utf8.count + 4
            switch name.utf8.count {
            case 4 where name.isSame(as: "host"):
                hosts += 1
                host = value
            case 6 where name.isSame(as: "expect"):
                if value.isSame(as: "100-continue") { facts.expectsContinue = true } else { facts.expectsElse = true }
            case 7 where name.isSame(as: "upgrade"): facts.asksForUpgrade = true
            case 10 where name.isSame(as: "connection"): noteConnection(value)
            case 14 where name.isSame(as: "content-length"): try noteLength(value)
            case 17 where name.isSame(as: "transfer-encoding"):
                codings = (codings ?? []) + HeadRules.elements(value)
            default: break
            }
        }

        private mutating func noteLength(_ value: String) throws(HeadRefusal) {
            guard facts.contentLengthBytes == nil else { throw .malformed("Content-Length is repeated.") }
            guard !value.isEmpty, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(value) else {
                throw .malformed("Content-Length is not a number.")
            }
            facts.contentLengthBytes = length
        }

        private mutating func noteConnection(_ value: String) {
            for name in HeadRules.elements(value) {
                switch name {
                case "close": closes = true
                case "keep-alive": staysOpen = true
                case "": break
                default: facts.connectionNames.append(name)
                }
            }
        }
    }

    /// The elements of a list, in lower case.
    private static func elements(_ value: String) -> [String] {
        value.split(separator: ",", omittingEmptySubsequences: false).map { FieldValue.trimmed($0).lowercased() }
    }

    private static func isChunked(
        _ codings: [String]?, isVersion10: Bool, _ facts: HeadFacts
    ) throws(HeadRefusal) -> Bool {
        guard let codings else { return false }
        guard !isVersion10 else { throw .malformed("HTTP/1.0 has no Transfer-Encoding.") }
        guard facts.contentLengthBytes == nil else {
            throw .malformed("Transfer-Encoding and Content-Length exclude each other.")
        }
        guard !codings.isEmpty, codings.firstIndex(of: "chunked") == codings.count - 1,
            codings.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isToken) })
        else { throw .malformed("Transfer-Encoding does not end in chunked, once.") }
        guard codings.count == 1 else {
            throw HeadRefusal(
                501, "transfer_coding_unknown", "The only Transfer-Encoding that is read here is chunked.")
        }
        return true
    }

    /// The four forms of RFC 9112, section 3.2, without those that nobody needs here.
    private static func check(target: String, method: String, host: String?) throws(HeadRefusal) {
        if method == "CONNECT" { throw .malformed("CONNECT is not served here.") }
        guard target.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .malformed("The target holds a blank, a control character or a byte beyond ASCII.")
        }
        guard !target.utf8.contains(UInt8(ascii: "#")) else { throw .malformed("The target has a fragment.") }
        if target.utf8.first == UInt8(ascii: "/") { return }
        if target == "*" {
            guard method == "OPTIONS" else { throw .malformed("The target * belongs to OPTIONS alone.") }
            return
        }
        let lower = target.lowercased()
        guard let scheme = ["http://", "https://"].first(where: { lower.hasPrefix($0) }) else {
            throw .malformed("The target is neither a path nor a URL of http or https.")
        }
        let authority = String(lower.dropFirst(scheme.utf8.count).prefix { $0 != "/" && $0 != "?" })
        guard isAuthority(authority), host == nil || host?.lowercased() == authority else {
            throw .malformed("The target names another host than Host does.")
        }
    }

    /// `uri-host [":" port]` of RFC 9110, section 7.2: a name, an IPv4 address, or an IPv6 address in brackets. Of the
    /// signs that RFC 3986 allows in a name, those that no host name has are refused.
    static func isAuthority(_ text: String) -> Bool {
        var host = Substring(text)
        var port: Substring?
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return false }
            let inside = host[..<end].dropFirst()
            let rest = host[host.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":"), inside.utf8.contains(UInt8(ascii: ":")),
                inside.utf8.allSatisfy({ isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { return false }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else {
            if let colon = host.firstIndex(of: ":") {
                port = host[host.index(after: colon)...]
                host = host[..<colon]
            }
            guard (1...255).contains(host.utf8.count), host.utf8.allSatisfy(isHostByte) else { return false }
        }
        guard let port else { return true }
        return port.utf8.count <= 5 && port.utf8.allSatisfy { (0x30...0x39).contains($0) }
            && (Int(port) ?? 0) <= 65535
    }

    /// A byte of a `token` (RFC 9110, section 5.6.2), such as a field's name.
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: true
        default: false
        }
    }

    /// A byte of a field's value or a chunk's extension: no control character but the tab.
    static func isText(_ byte: UInt8) -> Bool { byte >= 0x20 ? byte != 0x7F : byte == 0x09 }

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
