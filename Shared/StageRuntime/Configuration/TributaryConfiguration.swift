/// The whole configuration of one Tributary, decoded and checked: every stage reads the same file.
package struct TributaryConfiguration: Sendable {
    /// The file it came from, as an absolute path.
    package let file: String
    /// Where sockets, locks and logs live, as an absolute path.
    package let runDir: String
    /// Where the journals and the event log live, as an absolute path.
    package let dataDir: String
    package let ingress: IngressConfiguration
    package let verifier: WorkerConfiguration
    package let normaliser: WorkerConfiguration
    package let router: RouterConfiguration
    /// In the order of the file; names are unique.
    package let sources: [SourceConfiguration]
    /// In the order of the file; names are unique.
    package let subscriptions: [SubscriptionConfiguration]

    /// The names of the environment variables whose secrets a stage may read, sorted; nothing else is passed to it.
    package func environmentVariables(of stage: Stage) -> [String] {
        Set(secrets(of: stage).compactMap(\.environmentVariable)).sorted()
    }

    /// The secrets that a stage may resolve: the verifier those of the sources, the router those of the subscribers.
    package func secrets(of stage: Stage) -> [SecretReference] {
        switch stage {
        case .ingressGateway, .normaliser: []
        case .verifier: sources.flatMap { ($0.secrets + $0.pathTokens).map(\.value) }
        case .fanoutRouter: subscriptions.flatMap(\.signing.secrets) + router.apiTokens
        }
    }
}

/// The four stages that every webhook passes, named like their executables.
package enum Stage: String, Sendable, CaseIterable {
    case ingressGateway = "ingress-gateway"
    case verifier
    case normaliser
    case fanoutRouter = "fanout-router"
}

/// The front door: what it listens on and what it accepts.
package struct IngressConfiguration: Sendable {
    package let listen: ListenAddress
    package let instances: Int
    /// The largest request body that is accepted.
    package let maxBodyBytes: Int
    /// What the journal may hold on disk before webhooks are answered 503.
    package let diskBudgetBytes: Int
    package let maxConnections: Int
    /// Records that one ingress may have unsettled on the bus.
    package let windowRecords: Int
    /// Bytes that one ingress may have unsettled on the bus.
    package let windowBytes: Int
    /// How long an answer waits for the verdict after the fsync.
    package let verdictTimeout: Duration
    /// How long a request head may take from its first byte to its last.
    package let headerDeadlineSeconds: Double
    /// How long a connection may stay open without a request.
    package let idleTimeoutSeconds: Double
    /// A body that comes in more slowly is cut off.
    package let minimumBodyBytesPerSecond: Int
    /// The URL up to the path under which providers reach the ingress, such as `https://gw.example.com`; empty where it
    /// is not configured.
    package let publicURL: String
    /// Networks and addresses of reverse proxies whose `X-Forwarded-For` is believed.
    package let trustedProxies: [String]
    package let metricsListen: ListenAddress?
}

/// A stage without state, of which several may run.
package struct WorkerConfiguration: Sendable {
    package let instances: Int
    package let metricsListen: ListenAddress?
}

/// What is kept of refused webhooks. Each source has it twice: for what failed verification, which anybody can send, and
/// for what was refused after it.
package struct QuarantineConfiguration: Sendable {
    package let maxWebhooks: Int
    package let maxBytes: Int
    package let maxAgeSeconds: Double
    /// For all sources together; each gets an equal part at most.
    package let totalBytes: Int
}

/// The event log and the deliveries.
package struct RouterConfiguration: Sendable {
    /// Where the control API is to listen; this version has none and says so (`warnings`).
    package let listen: ListenAddress?
    package let apiTokens: [SecretReference]
    /// Networks in CIDR notation to which deliveries may go although they are not global.
    package let egressAllow: [String]
    package let eventLogBudgetBytes: Int
    package let retentionHours: Double
    package let dedupeWindowHours: Double
    /// How many event ids are remembered for dropping duplicates.
    package let dedupeIds: Int
    /// Positions below a lane's cursor that may be unfinished before the lane stops reading.
    package let maxUnfinished: Int
    package let quarantine: QuarantineConfiguration
    package let metricsListen: ListenAddress?
}

extension RouterConfiguration {
    /// What is configured and has no effect in this version; said by `tributary check` and at the router's start.
    package var warnings: [String] {
        listen.map { ["router.listen: this version serves no control API, so nothing listens on \($0)"] } ?? []
    }
}
