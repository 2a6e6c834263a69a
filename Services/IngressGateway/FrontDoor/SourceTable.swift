import HTTPFront
import PipelineConfiguration
import Primitives
import Providers
import Wire

/// Whether a request is a probe of its provider that needs no secret; it is answered 200 and not journaled.
typealias ProbeCheck = @Sendable (RequestHead, UnsafeRawBufferPointer) -> Bool

/// A configured source as the front door knows it.
final class SourceRoute: Sendable {
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
    /// The one that gets its webhooks.
    let router: Int

    /// `name` has 1 to 63 bytes.
    init(
        name: String, isProbe: ProbeCheck?, quota: QuotaConfiguration = QuotasConfiguration().perSource,
        answer: SuccessAnswer? = nil, endpoint: ProviderEndpoint? = nil, bodyBytes: Int = .max,
        router: Int = 0
    ) {
        self.name = name
        self.router = router
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
    /// By `key`; two names may have the same.
    private let routes: [UInt32: [SourceRoute]]

    init(_ routes: [SourceRoute]) {
        self.routes = Dictionary(grouping: routes) { $0.key }
    }

    var names: [String] { routes.values.joined().map(\.name).sorted() }

    /// What a request is for: `/in/{source}`, `/in/{source}/{path_token}`, or the endpoint of the source's provider behind
    /// it, each with or without a query. The parts are places in the head's target.
    struct Target {
        let source: SourceRoute
        var token: Range<Int>?
        /// Without its question mark; nil where there is nothing behind it.
        var query: Range<Int>?
        /// What stands behind a source that has an endpoint; `checkPath` says whether it is that.
        var path: Range<Int>?

        /// Throws where the source has an endpoint and this is not it.
        func checkPath(in head: ReceivedHead) throws(Refusal) {
            guard let endpoint = source.endpoint else { return }
            var fits = false
            head.withTarget { target in
                fits = endpoint.path.values(in: UnsafeRawBufferPointer(rebasing: target[path ?? 0..<0])) != nil
            }
            if !fits { throw .pathUnknown(source.name, endpoint.path.text) }
        }
    }

    /// Throws where nothing is there, or the method is none of `WebhookHandshake.allow`.
    func find(_ head: ReceivedHead) throws(Refusal) -> Target {
        var found = Result<Target, Refusal>.failure(.notFound)
        head.withTarget { found = find($0, head.method) }
        return try found.get()
    }

    private func find(_ target: UnsafeRawBufferPointer, _ method: ReceivedHead.Method) -> Result<Target, Refusal> {
        let (path, query) = Self.parts(of: target)
        guard path.count >= 4, UnsafeRawBufferPointer(rebasing: target[path.prefix(4)]).equals("/in/") else {
            return .failure(.notFound)
        }
        let rest = path.dropFirst(4)
        let slash = rest.first { target[$0] == UInt8(ascii: "/") }
        let behind = slash.map { $0 + 1..<path.upperBound }
        let name = UnsafeRawBufferPointer(rebasing: target[rest.lowerBound..<(slash ?? path.upperBound)])
        guard let route = routes[crc32c(name)]?.first(where: { $0.nameBytes.elementsEqual(name) }) else {
            return .failure(.sourceUnknown)
        }
        let isEndpoint = route.endpoint != nil
        if !isEndpoint, let behind, target[behind].contains(UInt8(ascii: "/")) { return .failure(.notFound) }
        guard method == .post || method == .options else { return .failure(.methodNotAllowed) }
        return .success(
            Target(
                source: route, token: isEndpoint || behind?.isEmpty != false ? nil : behind, query: query,
                path: isEndpoint ? behind : nil))
    }

    /// Path and query, without scheme and host where a client sends the absolute form (RFC 9112, 3.2.2).
    private static func parts(of target: UnsafeRawBufferPointer) -> (path: Range<Int>, query: Range<Int>?) {
        let end = target.firstIndex(of: UInt8(ascii: "?")) ?? target.count
        var start = 0
        if target.first != UInt8(ascii: "/"), let colon = target[..<end].firstIndex(of: UInt8(ascii: ":")) {
            // Behind `://`; a head has no other target with a colon before its first slash.
            start = target[..<end].dropFirst(colon + 3).firstIndex(of: UInt8(ascii: "/")) ?? end
        }
        return (start..<end, end + 1 < target.count ? end + 1..<target.count : nil)
    }
}
