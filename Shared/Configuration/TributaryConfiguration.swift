package import Executable

/// The whole configuration of one Tributary, decoded and checked: every stage reads the same file.
package struct TributaryConfiguration: Sendable {
    /// The file it came from, as an absolute path.
    package internal(set) var file: String
    /// Names the text that it was decoded from: the FNV-1a hash of its bytes, 16 hexadecimal digits.
    package internal(set) var fingerprint = ""
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

    /// Sentences about those secrets of all stages that can be read here and are probably not what was meant. Those that
    /// cannot be read are passed over.
    package var secretWarnings: [String] {
        Stage.allCases.flatMap(secrets).compactMap { reference in
            (try? reference.resolve()).flatMap(reference.warning)
        }
    }

    /// A sentence for each secret of these stages whose file others can open. Certificates are no secrets.
    package func exposedSecrets(of stages: [Stage]) -> [String] {
        let certificates =
            [ingress.tls?.certificate, router.tls?.certificate]
            + subscriptions.flatMap { [$0.tls?.certificate, $0.tls?.ca] }
        let open = Set(certificates.compactMap { $0?.keyPath })
        return stages.flatMap(secrets).filter { !open.contains($0.keyPath) }.compactMap(\.exposure)
    }

    /// The secrets that a stage may resolve: the verifier those of the sources, the router those of the subscribers and
    /// of its API, both listeners their own certificate and key.
    package func secrets(of stage: Stage) -> [SecretReference] {
        switch stage {
        case .ingressGateway: ingress.tls?.references ?? []
        case .normaliser: []
        case .verifier: sources.flatMap { ($0.secrets + $0.pathTokens).map(\.value) }
        case .fanoutRouter:
            subscriptions.flatMap { $0.signing.secrets + ($0.tls?.references ?? []) }
                + router.apiTokens.compactMap(\.reference) + (router.tls?.references ?? [])
                + [router.egressProxy?.password].compactMap { $0 }
        }
    }
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
    /// Of one client address; a trusted proxy may have all.
    package let maxConnectionsPerAddress: Int
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
    /// What is more gets 429.
    package let quotas: QuotasConfiguration
    /// The URL up to the path under which providers reach the ingress, such as `https://gw.example.com`; empty where it
    /// is not configured.
    package let publicURL: String
    /// Networks and addresses of reverse proxies whose `X-Forwarded-For` is believed.
    package let trustedProxies: [String]
    /// With it the door speaks TLS only.
    package let tls: ListenerTLS?
    package let metricsListen: ListenAddress?
}

/// A stage without state, of which several may run.
package struct WorkerConfiguration: Sendable {
    package let instances: Int
    package let metricsListen: ListenAddress?
}
