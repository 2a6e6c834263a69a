package import Executable
import Primitives

/// The event log, the deliveries and the control API.
package struct RouterConfiguration: Sendable {
    package var instances = 1
    /// Where the control API listens; nil: on the admin socket only.
    package var listen: ListenAddress?
    package var tls: ListenerTLS?
    /// nil: half of the processors, at least one.
    package var threads: Int?
    /// Whether the control API may speak plain HTTP beyond loopback, because a proxy in front of it speaks TLS.
    package var isInsecure = false
    package var apiTokens: [APITokenConfiguration] = []
    /// Without a slash at its end; empty where it is not configured.
    package var publicURL = ""
    /// In CIDR notation.
    package var egressAllow: [String] = []
    package var egressProxy: EgressProxyConfiguration?
    package var allowHTTP = false
    package var fileDestinations: String?
    package var eventLogBudgetBytes = 10 << 30
    package var retention = Duration.seconds(168 * 3600)
    package var dedupeWindow = Duration.seconds(24 * 3600)
    package var dedupeIds = 1_000_000
    package var maxUnfinished = 1000
    package var quarantine = QuarantineConfiguration()
    package var push = PushConfiguration()
    package var metricsListen: ListenAddress?

    static let table = FieldTable<RouterConfiguration>(
        RouterConfiguration.init,
        rules: [
            { router, section in checkAPI(router, section) },
            { router, section in
                PublicURL.check(
                    section, router.publicURL, router.listen, of: "the control API", "operations add /v1",
                    expected: publicURLExpected)
            },
        ],
        [
            // A journal, and the workers behind it, are those of one router.
            Field(
                "instances", \.instances, .integer(1...Stage.fanoutRouter.mostInstances),
                "How many routers run; each source belongs to one of them, and each has an event log of its own.",
                stages: Stage.allCases, effect: .pipeline),
            Field(
                "listen", optional: \.listen, .address,
                "Where the control API listens, of instance n n ports above it; without it, on the admin socket only.",
                effect: .restart),
            Field(
                "tls", optional: \.tls, .listenerTLS,
                "With it the control API speaks TLS only; needed beyond loopback.",
                effect: .restart),
            Field(
                "insecure", \.isInsecure, .boolean, "That a proxy in front speaks TLS, in place of tls.",
                effect: .restart),
            Field(
                "threads", optional: \.threads, .integer(1...64),
                "Event loops that deliver; without it, half of the processors, at least one.", effect: .restart),
            Field("api_tokens", \.apiTokens, APITokenConfiguration.list, "Who may use the control API at listen."),
            Field(
                "public_url", \.publicURL, PublicURL.kind(publicURLExpected), "How others reach the control API.",
                effect: .restart),
            Field(
                "egress_allow", \.egressAllow, .list(of: .network, "networks"),
                "Networks to which deliveries may go although they are not global, unencrypted too."),
            Field(
                "egress_proxy", optional: \.egressProxy, EgressProxyConfiguration.kind,
                "The HTTP proxy that every delivery passes (CONNECT)."),
            Field(
                "allow_http", \.allowHTTP, .boolean,
                "Whether deliveries may go unencrypted everywhere, not only to networks of egress_allow."),
            Field(
                "file_destinations", optional: \.fileDestinations, .path,
                "The folder below which subscriptions of type file may write; without it, nowhere."),
            Field(
                "event_log_budget_bytes", \.eventLogBudgetBytes, .integer((1 << 20)...(1 << 50)),
                "What the event log may hold on disk."),
            Field(
                "retention", \.retention, .duration(.seconds(1) ... .seconds(3650 * 86_400)),
                "How long the event log keeps events."),
            Field(
                "dedupe_window", \.dedupeWindow, .duration(.zero ... .seconds(365 * 86_400)),
                "How long a provider's retry is recognised.", effect: .restart),
            Field(
                "dedupe_ids", \.dedupeIds, .integer(0...100_000_000),
                "How many event ids are remembered for dropping duplicates.", effect: .restart),
            Field(
                "max_unfinished", \.maxUnfinished, .integer(1...100_000),
                "Positions below a subscription's cursor that may be unfinished before it stops reading."),
            Field(
                "quarantine", \.quarantine, .section(QuarantineConfiguration.table),
                "What is kept of refused webhooks.", effect: .restart),
            Field(
                "push", \.push, .section(PushConfiguration.table), "What holds for WebSocket and server-sent events."),
            Field(
                "metrics_listen", optional: \.metricsListen, .address, "Serves /metrics over TCP too.", effect: .restart
            ),
        ])

    private static let publicURLExpected =
        "the URL under which the control API is reached, such as https://api.example.com"

    /// What makes a control API that others can reach: tokens, and TLS beyond this machine.
    private static func checkAPI(_ router: RouterConfiguration, _ section: Section) {
        guard section.has("listen"), let listen = router.listen else {
            for key in ["tls", "insecure", "public_url"] where section.has(key) {
                section.report(key, "\(key) belongs to the control API, which needs listen")
            }
            return
        }
        if section["api_tokens"]?.elements?.isEmpty ?? true {
            section.report(
                "listen", "the control API needs api_tokens; write api_tokens: [\"env:TRIBUTARY_API_TOKEN\"]")
        }
        if !listen.isLoopback, !section.has("tls"), !router.isInsecure {
            section.report(
                "listen",
                "beyond loopback tokens and secrets need tls: { certificate: …, key: … }; where a proxy in front speaks "
                    + "TLS, write insecure: true")
        }
        if router.isInsecure, section.has("tls") { section.report("insecure", "there is tls; remove one of both") }
    }
}

/// The HTTP proxy that deliveries pass.
package struct EgressProxyConfiguration: Sendable {
    /// Plain http, without a path.
    package var url: EndpointURL
    /// Both or none of them are there.
    package var username: String?
    package var password: SecretReference?

    /// A URL, or a mapping that has credentials too.
    static let kind = FieldKind.either(
        scalar: urlKind.converted(
            { EgressProxyConfiguration(url: $0, username: nil, password: nil) }, to: { $0.url }),
        otherwise: .object(table)
    ) { $0.username == nil && $0.password == nil }

    private static let urlKind = FieldKind<EndpointURL>.url(
        "the URL of an HTTP proxy such as http://proxy.example.com:3128"
    ) { url, text throws(InvalidURL) in
        guard !url.isTLS else { throw InvalidURL("connections to the proxy itself are plain HTTP; write http://") }
        guard url.target == "/", !text.contains("?") else { throw InvalidURL("a proxy has no path") }
    }

    private static let table = FieldTable<EgressProxyConfiguration>(
        { EgressProxyConfiguration(url: .nowhere, username: nil, password: nil) },
        rules: [
            { _, section in
                for (one, other) in [("username", "password"), ("password", "username")]
                where section.has(one) && !section.has(other) {
                    section.missing(other, "username and password together")
                }
            }
        ],
        [
            Field("url", \.url, urlKind, "Plain http, without a path.", required: urlKind.expected),
            Field("username", optional: \.username, .text("a name"), "For the proxy."),
            Field("password", optional: \.password, .secret, "For the proxy."),
        ])
}

/// What is kept of refused webhooks. Each source has it twice: for what failed verification, which anybody can send, and
/// for what was refused after it.
package struct QuarantineConfiguration: Sendable, Equatable {
    package var maxWebhooks = 100_000
    package var maxBytes = 256 << 20
    package var maxAge = Duration.seconds(7 * 86_400)
    package var totalBytes = 4 << 30

    static let table = FieldTable<QuarantineConfiguration>(
        QuarantineConfiguration.init,
        [
            Field("max_webhooks", \.maxWebhooks, .integer(1...100_000_000), "Of one source, verified or not."),
            Field("max_bytes", \.maxBytes, .integer((1 << 20)...(1 << 50)), "Of one source, verified or not."),
            Field(
                "max_age", \.maxAge, .duration(.seconds(1) ... .seconds(3650 * 86_400)), "What is older is dropped."),
            Field(
                "total_bytes", \.totalBytes, .integer((1 << 20)...(1 << 50)),
                "For all sources together; each gets an equal part at most."),
        ])
}

extension RouterConfiguration {
    /// What is configured and has no effect; said by `tributary check` and at the router's start.
    package var warnings: [String] {
        guard listen == nil, !apiTokens.isEmpty else { return [] }
        return ["router.api_tokens: nothing listens for them; the control API needs router.listen"]
    }

    /// Why deliveries to a URL can never be made, because it is unencrypted and names a global address; nil where they
    /// can. Names are judged when they are resolved.
    package func plainHTTPRefusal(_ url: EndpointURL) -> String? {
        guard !url.isTLS, !allowHTTP, let address = IPAddress(url.host), address.isGlobal,
            !address.lies(inAnyOf: egressNetworks)
        else { return nil }
        return "unencrypted deliveries go only to addresses that router.egress_allow names, and \(url.host) is none; "
            + "use \(url.schemes.encrypted), or set router.allow_http: true"
    }

    /// Why deliveries to a URL cannot be made, as far as the configuration alone says it: its host is on this machine or
    /// in a private network, or it is unencrypted, and `egressAllow` does not name it; nil where they can.
    package func egressRefusal(_ url: EndpointURL) -> String? {
        // What a proxy resolves is judged when it is asked.
        guard egressProxy == nil else { return nil }
        let isThisMachine = url.host == "localhost" || url.host.hasSuffix(".localhost")
        let literals = (isThisMachine ? ["127.0.0.1", "::1"] : [url.host]).compactMap { IPAddress($0) }
        let isAllowed = literals.contains { $0.lies(inAnyOf: egressNetworks) }
        if !literals.isEmpty, !isAllowed, !literals.contains(where: \.isGlobal) {
            return
                "nothing will be delivered: \(url.host) is not a global address, and router.egress_allow does not name "
                + "it; add its network, such as \"\(isThisMachine ? "127.0.0.0/8" : Self.network(of: url.host))\""
        }
        if literals.isEmpty, !url.isTLS, !allowHTTP, egressAllow.isEmpty {
            return
                "nothing will be delivered: unencrypted deliveries go only to addresses that router.egress_allow names, "
                + "and it names none; use \(url.schemes.encrypted), name the network, or set router.allow_http: true"
        }
        return nil
    }

    private var egressNetworks: [IPNetwork] { egressAllow.compactMap { IPNetwork($0, ignoringHostBits: true) } }

    /// The network that holds this address alone.
    private static func network(of host: String) -> String { host.contains(":") ? "\(host)/128" : "\(host)/32" }
}
