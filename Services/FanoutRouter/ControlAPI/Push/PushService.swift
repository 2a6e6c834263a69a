package import EventDelivery
import JSON
import NIOCore
import PipelineConfiguration
import Primitives
import StageProcess

/// What connections need to watch the event log.
package struct PushService: Sendable {
    let hub: NIOLoopBound<PushHub>
    let loop: any EventLoop
    /// What is configured now; asked once for each connection.
    let configuration: @Sendable () -> TributaryConfiguration

    var settings: PushConfiguration { configuration().router.push }

    var ping: TimeAmount { .nanoseconds(settings.ping.nanoseconds) }

    /// Scripts of a page may watch where the page is allowed to; clients that say no origin are no pages (RFC 6455, section
    /// 10.2). Throws `forbidden`.
    func check(origin: String?) throws(APIProblem) {
        guard let origin, !settings.allowedOrigins.contains(origin) else { return }
        throw APIProblem(
            .forbidden,
            "pages of the origin \(origin.prefix(256)) may not watch; router.push.allowed_origins lists who may")
    }

    /// A filter as it stands in a subscription. Throws `invalid`.
    func filter(_ document: JSONValue) throws(APIProblem) -> SubscriptionFilter {
        do {
            return try SubscriptionDocument.filter(document, sources: configuration().sources.map(\.name))
        } catch {
            throw APIProblem(
                .invalid, "\(error)",
                errors: error.problems.map { APIProblem.Detail(pointer: $0.pointer, detail: $0.sentence) })
        }
    }
}

extension PushService {
    package init(_ stage: RouterStage) {
        self.init(
            hub: stage.push, loop: stage.pushLoop,
            configuration: { [configuration = stage.configuration] in configuration.current })
    }
}

/// What a watcher asks for in its query: `type`, `source`, `provider`, `subject` and `key` may come several times.
struct WatchQuery: Sendable {
    var filter: SubscriptionFilter
    /// Nil where nothing says it.
    var start: WatchStart?
    var others: [String: String] = [:]

    private static let options = SubscriptionFilter.table.options().filter { $0.form == .list }

    /// The parameters as the document lists them.
    static let parameters: [APIParameter] =
        options.map { .query($0.name, .string(), "\($0.doc) May be repeated.") } + [
            .query("from", .string(), "Where to begin: \(WatchStart.expected); `latest` where left out."),
            .query("after", .string(), "The token behind which to go on."),
        ]

    /// `others`: names of further parameters, each of which may come once.
    init(_ query: Substring, _ service: PushService, others names: Set<String> = []) throws(APIProblem) {
        var lists: [String: [JSONValue]] = [:]
        for (name, value) in try PercentCoding.query(query) {
            if let option = Self.options.first(where: { $0.name == name }), let key = option.path.last {
                lists[key, default: []].append(.string(value))
            } else if name == "from" || name == "after" {
                guard start == nil else { throw APIProblem(.badRequest, "from and after say the same; give one, once") }
                start = WatchStart(value)
                if name == "after", PositionToken(value) == nil { start = nil }
                guard start != nil else {
                    throw APIProblem(
                        .badRequest, "\(name) must be \(name == "after" ? "a position token" : WatchStart.expected)")
                }
            } else if names.contains(name) {
                guard others.updateValue(value, forKey: name) == nil else {
                    throw APIProblem(.badRequest, "the query parameter \(name) comes twice")
                }
            } else {
                let known = Self.parameters.map(\.name) + names.sorted()
                throw APIProblem(
                    .badRequest,
                    "the query parameter \(name) means nothing here; known are \(known.joined(separator: ", "))")
            }
        }
        filter = try service.filter(.object(lists.map { JSONMember(name: $0.key, value: .array($0.value)) }))
    }
}

/// How an operation is answered that is more than a request and its reply.
enum PushAnswer: Sendable {
    /// Events for as long as the connection lasts (server-sent events).
    case eventStream
    /// The next events, as soon as there are any; nil where the request wants something else.
    case poll(@Sendable (APICall) throws(APIProblem) -> EventPoll?)
    case webSocket(WebSocketEndpoint)
}

/// An operation that is a WebSocket.
struct WebSocketEndpoint: Sendable {
    /// Those that are spoken, by the names of RFC 6455, section 1.9.
    var subprotocols: [String] = []
    /// Largest message from a client.
    var messageBytes = 64 * 1024
    /// Whether it is served at the end of longer paths too.
    var takesPrefix = false
    /// Makes what talks to one client. `scopes` is nil for whom no token came with the request. Throws where the request
    /// cannot be used.
    let open:
        @Sendable (_ call: APICall, _ scopes: Set<APIScope>?, _ subprotocol: String?) throws(APIProblem) ->
            any ChannelHandler & Sendable
}
