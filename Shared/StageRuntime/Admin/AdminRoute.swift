/// One thing that a stage must have in order before it counts as ready.
package struct HealthCheck: Sendable {
    package let name: String
    package let ok: Bool
    /// For people: what is so or what is missing.
    package let detail: String

    package init(name: String, ok: Bool, detail: String) {
        self.name = name
        self.ok = ok
        self.detail = detail
    }
}

/// What a stage answers on its admin socket beyond health and metrics.
package struct AdminRoute: Sendable {
    /// `GET`, `POST` or `DELETE`.
    package let method: String
    /// The path itself and everything below it; the longest prefix wins.
    package let pathPrefix: String
    /// The largest body that it takes.
    package let maxBodyBytes: Int
    /// Runs on a thread of the admin endpoint's own; may block.
    package let respond: @Sendable (AdminRequest) -> AdminReply

    package init(
        method: String, pathPrefix: String, maxBodyBytes: Int = 1 << 20,
        respond: @escaping @Sendable (AdminRequest) -> AdminReply
    ) {
        self.method = method
        self.pathPrefix = pathPrefix
        self.maxBodyBytes = maxBodyBytes
        self.respond = respond
    }

    /// Whether the path is the prefix or lies below it.
    func covers(_ path: String) -> Bool {
        path == pathPrefix || path.hasPrefix(pathPrefix + "/")
    }
}

/// A request on the admin socket.
package struct AdminRequest: Sendable {
    package let method: String
    /// Percent-decoded, without the query.
    package let path: String
    /// Percent-decoded; of a name that comes twice, the last value.
    package let query: [String: String]
    package let body: [UInt8]

    package init(method: String, path: String, query: [String: String] = [:], body: [UInt8] = []) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
    }

    /// Nil when the target is not a path or has a broken percent escape.
    init?(method: String, target: String, body: [UInt8]) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard target.hasPrefix("/"), let path = Self.decoded(parts[0], plusIsBlank: false) else { return nil }
        var query: [String: String] = [:]
        for pair in parts.count == 2 ? parts[1].split(separator: "&") : [] {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(sides[0], plusIsBlank: true),
                let value = Self.decoded(sides.count == 2 ? sides[1] : "", plusIsBlank: true)
            else { return nil }
            query[name] = value
        }
        self.init(method: method, path: path, query: query, body: body)
    }

    private static func decoded(_ text: Substring, plusIsBlank: Bool) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(hexDigit), let low = rest.next().flatMap(hexDigit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsBlank: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// An answer on the admin socket.
package struct AdminReply: Sendable {
    package let status: Int
    package let contentType: String
    package let body: [UInt8]

    package init(status: Int, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    package static func json(_ status: Int, _ json: JSONText) -> AdminReply {
        AdminReply(status: status, contentType: "application/json", body: json.bytes)
    }

    package static func text(_ status: Int, _ text: String) -> AdminReply {
        AdminReply(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }

    /// An error as all admin endpoints give it: `{"error":{"code":…,"text":…}}`.
    package static func error(_ status: Int, _ code: String, _ sentence: String) -> AdminReply {
        json(status, .object([("error", .object([("code", .string(code)), ("text", .string(sentence))]))]))
    }
}
