package import Executable
import Primitives
internal import Wire

/// The front door: what it listens on and what it accepts.
package struct IngressConfiguration: Sendable {
    package var listen = ListenAddress(host: "127.0.0.1", port: 8080)
    package var instances = 1
    /// Nil: half of the processors.
    package var threads: Int?
    package var maxBodyBytes = 1 << 20
    package var diskBudgetBytes = 1 << 30
    package var maxConnections = 4096
    package var maxConnectionsPerAddress = 1024
    package var windowRecords = 16384
    package var windowBytes = 64 << 20
    package var verdictTimeout = Duration.milliseconds(250)
    package var headerDeadline = Duration.seconds(10)
    package var idleTimeout = Duration.seconds(75)
    package var minimumBodyBytesPerSecond = 1024
    /// Without a slash at its end; empty where it is not configured.
    package var publicURL = ""
    package var trustedProxies: [String] = []
    package var tls: ListenerTLS?
    package var metricsListen: ListenAddress?
    package var quotas = QuotasConfiguration()

    static let table = FieldTable<IngressConfiguration>(
        IngressConfiguration.init,
        rules: [
            { ingress, section in
                PublicURL.check(
                    section, ingress.publicURL, ingress.listen, of: "the ingress", "sources add /in/{source}",
                    expected: publicURLExpected)
            },
            { ingress, section in
                let least = leastJournalBytes(maxBodyBytes: ingress.maxBodyBytes)
                guard ingress.diskBudgetBytes < least else { return }
                section.report(
                    section.has("disk_budget_bytes") ? "disk_budget_bytes" : "max_body_bytes",
                    "a journal of \(ingress.diskBudgetBytes) bytes (disk_budget_bytes) has no room for bodies of "
                        + "\(ingress.maxBodyBytes) (max_body_bytes), which need \(least): raise the one or lower the other"
                )
            },
        ],
        [
            Field("listen", \.listen, .address, "Where webhooks come in.", effect: .restart),
            Field(
                "instances", \.instances, .integer(1...Stage.ingressGateway.mostInstances),
                "How many processes run.", effect: .instances),
            Field(
                "threads", optional: \.threads, .integer(1...64),
                "Event loops that speak HTTP, in each process; without it, half of the processors, at least one.",
                effect: .restart),
            // Every stage sizes what it may hold by the largest body.
            Field(
                "max_body_bytes", \.maxBodyBytes, .integer(1024...(64 << 20)), "Larger bodies get 413.",
                stages: Stage.allCases, effect: .restart),
            Field(
                "disk_budget_bytes", \.diskBudgetBytes, .integer((16 << 20)...(1 << 50)),
                "What the journal may hold on disk; beyond it webhooks get 503.", stages: journals, effect: .restart),
            Field(
                "max_connections", \.maxConnections, .integer(1...1_000_000),
                "Beyond it, 503; as far as the limit of open files allows."),
            Field(
                "max_connections_per_address", \.maxConnectionsPerAddress, .integer(1...1_000_000),
                "Of one client address (IPv6: one /64); a trusted proxy may have all."),
            Field(
                "window_records", \.windowRecords, .integer(256...1_048_576),
                "Records that one ingress may have unsettled on the bus.", stages: journals, effect: .restart),
            Field(
                "window_bytes", \.windowBytes, .integer((1 << 20)...(4 << 30)),
                "Bytes that one ingress may have unsettled on the bus.", stages: journals, effect: .restart),
            Field(
                "verdict_timeout", \.verdictTimeout, .duration(.zero ... .seconds(10)),
                "How long an answer waits for the verdict after the fsync.", effect: .restart),
            Field(
                "header_deadline", \.headerDeadline, .duration(.milliseconds(100) ... .seconds(600)),
                "How long a request head may take from its first byte to its last."),
            Field(
                "idle_timeout", \.idleTimeout, .duration(.milliseconds(100) ... .seconds(3600)),
                "How long a connection may stay open without a request."),
            Field(
                "minimum_body_bytes_per_second", \.minimumBodyBytesPerSecond, .integer(0...(1 << 30)),
                "A body that comes in more slowly is cut off."),
            Field(
                "public_url", \.publicURL, PublicURL.kind(publicURLExpected),
                "How providers reach the ingress; needed by providers that sign the URL.", stages: [.verifier]),
            Field(
                "trusted_proxies", \.trustedProxies, .list(of: .networkOrAddress, "addresses"),
                "Networks and addresses of reverse proxies whose X-Forwarded-For is believed."),
            Field("tls", optional: \.tls, .listenerTLS, "With it the ingress speaks TLS only."),
            Field(
                "metrics_listen", optional: \.metricsListen, .address,
                "Serves /metrics over TCP too; instance n listens n ports above it.", effect: .restart),
            Field(
                "quotas", \.quotas, .section(QuotasConfiguration.table),
                "Beyond a quota webhooks get 429 with Retry-After, before their bodies are read."),
        ])

    /// The largest commit of a journal: one webhook, or many as long as they are a small part of it.
    package var journalCommitBytes: Int {
        max(Limits.receivedBytes(maxBodyBytes: maxBodyBytes), min(8 << 20, diskBudgetBytes / 64))
    }

    /// A journal has three segments at least, each with room for four of the largest webhooks.
    private static func leastJournalBytes(maxBodyBytes: Int) -> Int {
        3 * 4 * Limits.receivedBytes(maxBodyBytes: maxBodyBytes)
    }

    /// Those that have a journal and are an ingress to the stages behind.
    private static let journals = [Stage.ingressGateway, .ingressConnector]
    private static let publicURLExpected =
        "the URL under which providers reach the ingress, such as https://gw.example.com"
}

/// A stage without state, of which several may run.
package struct WorkerConfiguration: Sendable {
    package var instances = 1
    package var metricsListen: ListenAddress?

    static let table = FieldTable<WorkerConfiguration>(
        WorkerConfiguration.init,
        [
            Field(
                "instances", \.instances, .integer(1...Stage.verifier.mostInstances),
                "How many processes run.", effect: .instances),
            Field(
                "metrics_listen", optional: \.metricsListen, .address,
                "Serves /metrics over TCP too; instance n listens n ports above it.", effect: .restart),
        ])
}

/// The URL under which others reach a listener.
enum PublicURL {
    static func kind(_ expected: String) -> FieldKind<String> {
        .parsed(expected, { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }, write: { $0 })
    }

    /// Reports one that cannot be. `name`: whose it is; `rest`: what comes behind the host.
    static func check(
        _ section: Section, _ url: String, _ listen: ListenAddress?, of name: String, _ rest: String, expected: String
    ) {
        guard section.has("public_url"), !url.isEmpty else { return }
        do throws(InvalidURL) {
            let endpoint = try EndpointURL(url)
            guard endpoint.target == "/", !url.contains("?") else {
                throw InvalidURL("it must end with the host or port, because \(rest)")
            }
            guard endpoint.isTLS || listen?.isLoopback ?? true else {
                throw InvalidURL("it must begin with https:// while \(name) listens beyond loopback")
            }
        } catch {
            let text = section["public_url"]?.scalar ?? url
            section.report("public_url", "expected \(expected), found \"\(text)\": \(error.reason)")
        }
    }
}
