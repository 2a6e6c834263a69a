import NIOHTTP1
import PipelineConfiguration
import Primitives
import Providers
import Wire

/// Whether a request is a probe of its provider that needs no secret; it is answered 200 and not journaled.
typealias ProbeCheck = @Sendable (RequestHead, UnsafeRawBufferPointer) -> Bool

/// A configured source as the front door knows it.
struct SourceRoute: Sendable {
    let name: String
    let nameBytes: [UInt8]
    let isProbe: ProbeCheck?
    /// What may come in for it.
    let quota: QuotaConfiguration
    /// What its provider takes as success; nil: 202 with the webhook's id.
    let answer: SuccessAnswer?
    /// What its provider's clients call behind `/in/{source}`; nil: the source itself, or a path token.
    let endpoint: ProviderEndpoint?
    /// Most of a body, where that is less than the ingress takes.
    let bodyBytes: Int
    /// Names the source in the quotas' books, also beyond a reload.
    let key: UInt32

    /// `name` has 1 to 63 bytes.
    init(
        name: String, isProbe: ProbeCheck?, quota: QuotaConfiguration = QuotasConfiguration().perSource,
        answer: SuccessAnswer? = nil, endpoint: ProviderEndpoint? = nil, bodyBytes: Int = .max
    ) {
        self.name = name
        nameBytes = Array(name.utf8)
        key = nameBytes.withUnsafeBytes { crc32c($0) }
        self.isProbe = isProbe
        self.quota = quota
        self.answer = answer
        self.endpoint = endpoint
        self.bodyBytes = bodyBytes
    }
}

/// Finds the source that a request is for.
struct SourceTable: Sendable {
    private let routes: [String: SourceRoute]

    init(_ routes: [SourceRoute]) {
        self.routes = Dictionary(routes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    var names: [String] { routes.keys.sorted() }

    /// What a request is for: `/in/{source}`, `/in/{source}/{path_token}`, or the endpoint of the source's provider behind
    /// it, each with or without a query.
    struct Target {
        let source: SourceRoute
        /// As sent, like the query.
        let token: Substring?
        /// Without its question mark.
        let query: Substring?
        /// As sent: what stands behind a source that has an endpoint; `checkPath` says whether it is that.
        var path: Substring?

        /// Throws where the source has an endpoint and this is not it.
        func checkPath() throws(Refusal) {
            guard let endpoint = source.endpoint else { return }
            var path = String(path ?? "")
            let fits = path.withUTF8 { endpoint.path.values(in: UnsafeRawBufferPointer($0)) != nil }
            if !fits { throw .pathUnknown(source.name, endpoint.path.text) }
        }
    }

    /// Throws where nothing is there, or the method is none of `WebhookHandshake.allow`.
    func find(_ head: HTTPRequestHead) throws(Refusal) -> Target {
        let (path, query) = Self.parts(of: head.uri)
        guard path.hasPrefix("/in/") else { throw .notFound }
        let rest = path.dropFirst(4)
        let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/"))
        let name = slash.map { rest[..<$0] } ?? rest
        let token = slash.map { rest[rest.utf8.index(after: $0)...] }
        guard let route = routes[String(name)] else { throw .sourceUnknown }
        if route.endpoint != nil {
            guard head.method == .POST || head.method == .OPTIONS else { throw .methodNotAllowed }
            return Target(source: route, token: nil, query: query, path: token)
        }
        if let token, token.utf8.contains(UInt8(ascii: "/")) { throw .notFound }
        guard head.method == .POST || head.method == .OPTIONS else { throw .methodNotAllowed }
        return Target(source: route, token: token.flatMap { $0.isEmpty ? nil : $0 }, query: query)
    }

    /// Path and query, without scheme and host where a client sends the absolute form (RFC 9112, 3.2.2).
    private static func parts(of uri: String) -> (path: Substring, query: Substring?) {
        let target = uri.prefix { $0 != "#" }
        let mark = target.firstIndex(of: "?")
        var path = mark.map { target[..<$0] } ?? target
        if !path.hasPrefix("/"), let scheme = path.firstRange(of: "://") {
            let authority = path[scheme.upperBound...]
            path = authority.firstIndex(of: "/").map { authority[$0...] } ?? "/"
        }
        let query = mark.map { target[target.index(after: $0)...] }
        return (path, query.flatMap { $0.isEmpty ? nil : $0 })
    }
}
