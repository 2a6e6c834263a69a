/// The URL of a subscriber, `http` or `https` but for brokers with a protocol of their own, taken apart.
package struct EndpointURL: Sendable, Equatable, CustomStringConvertible {
    /// The schemes that a protocol is written with, unencrypted and encrypted, and their ports.
    package struct Schemes: Sendable, Equatable {
        package let plain: String
        package let encrypted: String
        let plainPort: Int
        let encryptedPort: Int

        package static let http = Schemes(plain: "http", encrypted: "https", plainPort: 80, encryptedPort: 443)
        package static let webSocket = Schemes(plain: "ws", encrypted: "wss", plainPort: 80, encryptedPort: 443)
        package static let nats = Schemes(plain: "nats", encrypted: "tls", plainPort: 4222, encryptedPort: 4222)
    }

    /// As it was written.
    package let text: String
    package let schemes: Schemes
    package let isTLS: Bool
    /// Without brackets.
    package let host: String
    /// That of the scheme when none is written.
    package let port: Int
    /// Path and query as they go on the request line; at least `/`.
    package let target: String

    package var description: String { text }

    /// The value of the `Host` header: the port only where the scheme does not imply it.
    package var hostHeader: String {
        let bracketed = host.contains(":") ? "[\(host)]" : host
        return port == (isTLS ? schemes.encryptedPort : schemes.plainPort) ? bracketed : "\(bracketed):\(port)"
    }

    /// In place of one that is not there; whoever sees it has ignored an error.
    static let nowhere = EndpointURL()

    private init() {
        (text, schemes, isTLS, host, port, target) = (
            "https://nowhere.invalid", .http, true, "nowhere.invalid", 443, "/"
        )
    }

    /// Throws a sentence part that says what is wrong with the text.
    package init(_ text: String, as schemes: Schemes = .http) throws(InvalidURL) {
        guard text.utf8.count <= 2048 else { throw InvalidURL("it is longer than 2048 characters") }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else {
            throw InvalidURL("it holds blanks, backslashes or characters that must be percent-encoded")
        }
        let lowered = text.lowercased()
        let rest: Substring
        if lowered.hasPrefix("\(schemes.plain)://") {
            rest = text.dropFirst(schemes.plain.count + 3)
            isTLS = false
        } else if lowered.hasPrefix("\(schemes.encrypted)://") {
            rest = text.dropFirst(schemes.encrypted.count + 3)
            isTLS = true
        } else {
            throw InvalidURL("it must begin with \(schemes.plain):// or \(schemes.encrypted)://")
        }
        guard !rest.contains("#") else { throw InvalidURL("a fragment (#) never reaches the subscriber") }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<end]
        guard !authority.contains("@") else {
            let instead = schemes == .http ? "signing" : "keys for credentials"
            throw InvalidURL("a user or password in a URL ends up in logs; use \(instead) instead")
        }
        (host, port) = try Self.hostAndPort(
            authority, defaultPort: isTLS ? schemes.encryptedPort : schemes.plainPort)
        let tail = rest[end...]
        target = tail.hasPrefix("/") ? String(tail) : "/" + tail
        self.text = text
        self.schemes = schemes
    }

    private static func hostAndPort(
        _ authority: Substring, defaultPort: Int
    ) throws(InvalidURL) -> (host: String, port: Int) {
        var host = authority
        var port = defaultPort
        let bracket = authority.lastIndex(of: "]") ?? authority.startIndex
        if let colon = authority[bracket...].lastIndex(of: ":") {
            let digits = authority[authority.index(after: colon)...]
            guard digits.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
                let number = Int(digits), (1...65535).contains(number)
            else { throw InvalidURL("its port must be a number from 1 to 65535") }
            port = number
            host = authority[..<colon]
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed {
            host = host.dropFirst().dropLast()
        } else if host.contains("[") || host.contains(":") {
            throw InvalidURL("an IPv6 address is written in brackets")
        }
        try EndpointHost.check(host, isBracketed: isBracketed)
        return (String(host), port)
    }
}

/// Why a text is not the URL of a subscriber.
package struct InvalidURL: Error {
    package let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}
