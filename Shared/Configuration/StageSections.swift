import Executable
import Primitives

extension ConfigurationDecoder {
    /// The section of a key; an empty one when the key is left out or, after a report, when it is no mapping.
    func part(_ section: Section, _ key: String, keys: [String]) -> Section {
        section.optional(key).flatMap { Section($0, keys: keys, problems: problems) }
            ?? Section(emptyAt: key, problems: problems)
    }

    /// The ingress with defaults for everything that is left out.
    func decodeIngress(_ root: Section) -> IngressConfiguration {
        let keys = [
            "listen", "instances", "max_body_bytes", "disk_budget_bytes", "max_connections",
            "max_connections_per_address", "window_records",
            "window_bytes", "verdict_timeout", "header_deadline", "idle_timeout", "minimum_body_bytes_per_second",
            "public_url", "trusted_proxies", "tls", "metrics_listen", "quotas",
        ]
        let section = part(root, "ingress", keys: keys)
        let listen = address(section, "listen") ?? ListenAddress(host: "127.0.0.1", port: 8080)
        let minute = Duration.seconds(60)
        return IngressConfiguration(
            listen: listen,
            instances: section.integer("instances", default: 1, in: 1...16),
            maxBodyBytes: section.integer("max_body_bytes", default: 1 << 20, in: 1024...(64 << 20)),
            diskBudgetBytes: section.integer("disk_budget_bytes", default: 1 << 30, in: (1 << 20)...(1 << 50)),
            maxConnections: section.integer("max_connections", default: 4096, in: 1...1_000_000),
            maxConnectionsPerAddress: section.integer("max_connections_per_address", default: 1024, in: 1...1_000_000),
            windowRecords: section.integer("window_records", default: 16384, in: 256...1_048_576),
            windowBytes: section.integer("window_bytes", default: 64 << 20, in: (1 << 20)...(4 << 30)),
            verdictTimeout: section.duration(
                "verdict_timeout", default: .milliseconds(250), in: Duration.zero...Duration.seconds(10)),
            headerDeadlineSeconds: section.duration(
                "header_deadline", default: .seconds(10), in: Duration.milliseconds(100)...minute * 10
            ).inSeconds,
            idleTimeoutSeconds: section.duration(
                "idle_timeout", default: .seconds(75), in: Duration.milliseconds(100)...minute * 60
            ).inSeconds,
            minimumBodyBytesPerSecond: section.integer(
                "minimum_body_bytes_per_second", default: 1024, in: 0...(1 << 30)),
            quotas: decodeQuotas(section),
            publicURL: publicURL(section, of: .ingress, listen),
            trustedProxies: section.list("trusted_proxies", of: "addresses").compactMap { address($0, section) },
            tls: listenerTLS(section),
            metricsListen: address(section, "metrics_listen"))
    }

    /// A verifier or normaliser.
    func decodeWorker(_ root: Section, _ key: String) -> WorkerConfiguration {
        let section = part(root, key, keys: ["instances", "metrics_listen"])
        return WorkerConfiguration(
            instances: section.integer("instances", default: 1, in: 1...64),
            metricsListen: address(section, "metrics_listen"))
    }
}
