package import JSON
import Primitives

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
    /// `GET`, `POST` or `DELETE`; nil where the route deals with every method itself.
    package let method: String?
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

    /// Everything at and below a path, whatever the method: for what has a table of its own.
    package init(
        everythingBelow pathPrefix: String, maxBodyBytes: Int = 1 << 20,
        respond: @escaping @Sendable (AdminRequest) -> AdminReply
    ) {
        method = nil
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
    /// Path and query as the client sent them; empty where the request was not made from one.
    package let target: String
    package let contentType: String?

    package init(
        method: String, path: String, query: [String: String] = [:], body: [UInt8] = [], target: String = "",
        contentType: String? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.target = target
        self.contentType = contentType
    }

    /// Nil when the target is not a path or has a broken percent escape.
    init?(method: String, target: String, contentType: String?, body: [UInt8]) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard target.hasPrefix("/"), let path = PercentCoding.decode(parts[0], plusIsSpace: false) else { return nil }
        var query: [String: String] = [:]
        for pair in parts.count == 2 ? parts[1].split(separator: "&") : [] {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentCoding.decode(sides[0], plusIsSpace: true),
                let value = PercentCoding.decode(sides.count == 2 ? sides[1] : "", plusIsSpace: true)
            else { return nil }
            query[name] = value
        }
        self.init(
            method: method, path: path, query: query, body: body, target: target, contentType: contentType)
    }
}

/// An answer on the admin socket.
package struct AdminReply: Sendable {
    package let status: Int
    /// Empty where there is no body.
    package let contentType: String
    package let body: [UInt8]
    /// Further header fields.
    package let fields: [(name: String, value: String)]

    package init(
        status: Int, contentType: String, body: [UInt8], fields: [(name: String, value: String)] = []
    ) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.fields = fields
    }

    package static func json(_ status: Int, _ json: JSONText) -> AdminReply {
        AdminReply(status: status, contentType: "application/json", body: json.bytes)
    }

    package static func text(_ status: Int, _ text: String) -> AdminReply {
        AdminReply(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }

    /// An error as all admin endpoints give it: `{"error":{"code":…,"text":…}}`.
    package static func error(_ status: Int, _ code: String, _ sentence: String) -> AdminReply {
        json(status, .object(["error": .object(["code": .string(code), "text": .string(sentence)])]))
    }
}
