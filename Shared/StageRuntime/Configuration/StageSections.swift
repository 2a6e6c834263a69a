extension ConfigurationDecoder {
    /// The section of a key; an empty one when the key is left out or, after a report, when it is no mapping.
    private func part(_ section: Section, _ key: String, keys: [String]) -> Section {
        section.optional(key).flatMap { Section($0, keys: keys, problems: problems) }
            ?? Section(emptyAt: key, problems: problems)
    }

    /// The ingress with defaults for everything that is left out.
    func decodeIngress(_ root: Section) -> IngressConfiguration {
        let keys = [
            "listen", "instances", "max_body_bytes", "disk_budget_bytes", "max_connections", "window_records",
            "window_bytes", "verdict_timeout", "header_deadline", "idle_timeout", "minimum_body_bytes_per_second",
            "public_url", "trusted_proxies", "metrics_listen",
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
            publicURL: publicURL(section, listen),
            trustedProxies: section.list("trusted_proxies", of: "addresses").compactMap { address($0, section) },
            metricsListen: address(section, "metrics_listen"))
    }

    /// A verifier or normaliser.
    func decodeWorker(_ root: Section, _ key: String) -> WorkerConfiguration {
        let section = part(root, key, keys: ["instances", "metrics_listen"])
        return WorkerConfiguration(
            instances: section.integer("instances", default: 1, in: 1...64),
            metricsListen: address(section, "metrics_listen"))
    }

    /// The router with defaults for everything that is left out.
    func decodeRouter(_ root: Section) -> RouterConfiguration {
        let keys = [
            "listen", "api_tokens", "egress_allow", "event_log_budget_bytes", "retention", "dedupe_window",
            "dedupe_ids", "max_unfinished", "quarantine", "metrics_listen",
        ]
        let section = part(root, "router", keys: keys)
        return RouterConfiguration(
            listen: address(section, "listen"),
            apiTokens: section.list("api_tokens", of: "secret references").compactMap { secret($0, section) },
            egressAllow: section.list("egress_allow", of: "networks").compactMap { network($0, section) },
            eventLogBudgetBytes: section.integer(
                "event_log_budget_bytes", default: 10 << 30, in: (1 << 20)...(1 << 50)),
            retentionHours: section.duration(
                "retention", default: .seconds(168 * 3600), in: Duration.seconds(1)...Duration.seconds(3650 * 86_400)
            ).inSeconds / 3600,
            dedupeWindowHours: section.duration(
                "dedupe_window", default: .seconds(24 * 3600), in: Duration.zero...Duration.seconds(365 * 86_400)
            ).inSeconds / 3600,
            dedupeIds: section.integer("dedupe_ids", default: 1_000_000, in: 0...100_000_000),
            maxUnfinished: section.integer("max_unfinished", default: 1000, in: 1...100_000),
            quarantine: decodeQuarantine(section), metricsListen: address(section, "metrics_listen"))
    }

    private func decodeQuarantine(_ router: Section) -> QuarantineConfiguration {
        let section = part(router, "quarantine", keys: ["max_webhooks", "max_bytes", "max_age", "total_bytes"])
        return QuarantineConfiguration(
            maxWebhooks: section.integer("max_webhooks", default: 100_000, in: 1...100_000_000),
            maxBytes: section.integer("max_bytes", default: 256 << 20, in: (1 << 20)...(1 << 50)),
            maxAgeSeconds: section.duration(
                "max_age", default: .seconds(7 * 86_400), in: Duration.seconds(1)...Duration.seconds(3650 * 86_400)
            ).inSeconds,
            totalBytes: section.integer("total_bytes", default: 4 << 30, in: (1 << 20)...(1 << 50)))
    }

    /// Without a slash at its end; empty where it is left out, or after a report.
    private func publicURL(_ section: Section, _ listen: ListenAddress) -> String {
        let expected = "the URL under which providers reach the ingress, such as https://gw.example.com"
        guard let value = section.optional("public_url"), let text = section.text(value, expected: expected) else {
            return ""
        }
        do throws(InvalidURL) {
            let url = try EndpointURL(text)
            guard url.target == "/", !text.contains("?") else {
                throw InvalidURL("it must end with the host or port, because sources add /in/{source}")
            }
            guard url.isTLS || listen.isLoopback else {
                throw InvalidURL("it must begin with https:// while the ingress listens beyond loopback")
            }
        } catch {
            problems.report(value, "expected \(expected), found \"\(text)\": \(error.reason)")
            return ""
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    private func network(_ value: Value, _ section: Section) -> String? {
        let expected = "a network such as 127.0.0.0/8 or ::1/128"
        guard let text = section.text(value, expected: expected) else { return nil }
        if NetworkText.isValid(text) { return text }
        problems.report(value, "expected \(expected), found \"\(text)\"")
        return nil
    }
}
