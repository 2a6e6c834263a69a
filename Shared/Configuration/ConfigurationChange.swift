package import Executable
import Primitives

/// One difference between two configurations, in words, and what it takes until it counts.
package struct ConfigurationChange: Sendable, Equatable, CustomStringConvertible {
    /// What it takes until the change counts.
    package enum Effect: String, Sendable {
        /// The stages take it over while they run (SIGHUP).
        case inPlace = "in_place"
        /// The processes of the stages must be replaced.
        case restart
        /// Another number of instances is to run.
        case instances
        /// The whole pipeline must go down and come up again.
        case pipeline
    }

    /// Such as `source stream: secrets changed` or `ingress.idle_timeout: 75s → 30s`; never a secret.
    package let sentence: String
    /// Whom it concerns.
    package let stages: [Stage]
    package let effect: Effect

    package init(_ sentence: String, _ stages: [Stage], _ effect: Effect) {
        self.sentence = sentence
        self.stages = stages
        self.effect = effect
    }

    package var description: String { sentence }

    /// Everything that differs, in the order of the file. References are compared, not what they refer to: a secret in a
    /// file that changed under the same name is no difference here.
    package static func between(
        _ old: TributaryConfiguration, _ new: TributaryConfiguration
    ) -> [ConfigurationChange] {
        var changes = Differences()
        changes.compare("run_dir", old.runDir, new.runDir, Stage.allCases, .pipeline)
        changes.compare("data_dir", old.dataDir, new.dataDir, Stage.allCases, .pipeline)
        changes.ingress(old.ingress, new.ingress)
        changes.worker(old.verifier, new.verifier, .verifier)
        changes.worker(old.normaliser, new.normaliser, .normaliser)
        changes.router(old.router, new.router)
        changes.sources(old.sources, new.sources)
        changes.subscriptions(old.subscriptions, new.subscriptions)
        return changes.found
    }

    /// What differs between two versions of one subscription.
    package static func between(
        _ old: SubscriptionConfiguration, _ new: SubscriptionConfiguration
    ) -> [ConfigurationChange] {
        var changes = Differences()
        changes.subscriptions([old], [new])
        return changes.found
    }
}

/// Collects differences.
struct Differences {
    private(set) var found: [ConfigurationChange] = []

    mutating func add(_ sentence: String, _ stages: [Stage], _ effect: ConfigurationChange.Effect) {
        found.append(ConfigurationChange(sentence, stages, effect))
    }

    /// A key with a value that can be shown.
    mutating func compare(
        _ key: String, _ old: String, _ new: String, _ stages: [Stage], _ effect: ConfigurationChange.Effect
    ) {
        guard old != new else { return }
        func shown(_ text: String) -> String { text.isEmpty ? "none" : text }
        add("\(key): \(shown(old)) → \(shown(new))", stages, effect)
    }

    private mutating func compare(
        _ key: String, seconds old: Double, _ new: Double, _ stages: [Stage], _ effect: ConfigurationChange.Effect
    ) {
        func text(_ seconds: Double) -> String { DurationText.text(.milliseconds(Int64((seconds * 1000).rounded()))) }
        compare(key, text(old), text(new), stages, effect)
    }

    mutating func ingress(_ old: IngressConfiguration, _ new: IngressConfiguration) {
        let ours = [Stage.ingressGateway]
        compare("ingress.listen", "\(old.listen)", "\(new.listen)", ours, .restart)
        compare("ingress.tls", old.tls.text, new.tls.text, ours, .inPlace)
        compare("ingress.instances", "\(old.instances)", "\(new.instances)", ours, .instances)
        // Every stage sizes what it may hold by the largest body.
        compare("ingress.max_body_bytes", "\(old.maxBodyBytes)", "\(new.maxBodyBytes)", Stage.allCases, .restart)
        compare("ingress.disk_budget_bytes", "\(old.diskBudgetBytes)", "\(new.diskBudgetBytes)", ours, .restart)
        compare("ingress.max_connections", "\(old.maxConnections)", "\(new.maxConnections)", ours, .inPlace)
        compare(
            "ingress.max_connections_per_address", "\(old.maxConnectionsPerAddress)",
            "\(new.maxConnectionsPerAddress)", ours, .inPlace)
        compare("ingress.window_records", "\(old.windowRecords)", "\(new.windowRecords)", ours, .restart)
        compare("ingress.window_bytes", "\(old.windowBytes)", "\(new.windowBytes)", ours, .restart)
        compare(
            "ingress.verdict_timeout", seconds: old.verdictTimeout.inSeconds, new.verdictTimeout.inSeconds, ours,
            .restart)
        compare(
            "ingress.header_deadline", seconds: old.headerDeadlineSeconds, new.headerDeadlineSeconds, ours, .inPlace)
        compare("ingress.idle_timeout", seconds: old.idleTimeoutSeconds, new.idleTimeoutSeconds, ours, .inPlace)
        compare(
            "ingress.minimum_body_bytes_per_second", "\(old.minimumBodyBytesPerSecond)",
            "\(new.minimumBodyBytesPerSecond)", ours, .inPlace)
        compare("ingress.quotas.per_source", old.quotas.perSource.text, new.quotas.perSource.text, ours, .inPlace)
        compare("ingress.quotas.per_address", old.quotas.perAddress.text, new.quotas.perAddress.text, ours, .inPlace)
        compare("ingress.quotas.refused", old.quotas.refused.text, new.quotas.refused.text, ours, .inPlace)
        compare("ingress.public_url", old.publicURL, new.publicURL, [.verifier], .inPlace)
        compare(
            "ingress.trusted_proxies", old.trustedProxies.joined(separator: ", "),
            new.trustedProxies.joined(separator: ", "), ours, .inPlace)
        metricsListen("ingress", old.metricsListen, new.metricsListen, .ingressGateway)
    }

    mutating func worker(_ old: WorkerConfiguration, _ new: WorkerConfiguration, _ stage: Stage) {
        compare("\(stage.rawValue).instances", "\(old.instances)", "\(new.instances)", [stage], .instances)
        metricsListen(stage.rawValue, old.metricsListen, new.metricsListen, stage)
    }

    mutating func router(_ old: RouterConfiguration, _ new: RouterConfiguration) {
        let ours = [Stage.fanoutRouter]
        func text(_ flag: Bool) -> String { flag ? "true" : "false" }
        compare("router.listen", old.listen.text, new.listen.text, ours, .restart)
        compare("router.tls", old.tls.text, new.tls.text, ours, .restart)
        if old.apiTokens.map(\.text) != new.apiTokens.map(\.text) {
            add("router.api_tokens changed", ours, .inPlace)
        }
        compare("router.public_url", old.publicURL, new.publicURL, ours, .restart)
        compare(
            "router.egress_allow", old.egressAllow.joined(separator: ", "), new.egressAllow.joined(separator: ", "),
            ours, .inPlace)
        if old.egressProxy?.text != new.egressProxy?.text { add("router.egress_proxy changed", ours, .inPlace) }
        compare("router.allow_http", text(old.allowHTTP), text(new.allowHTTP), ours, .inPlace)
        compare(
            "router.event_log_budget_bytes", "\(old.eventLogBudgetBytes)", "\(new.eventLogBudgetBytes)", ours, .inPlace)
        compare("router.retention", seconds: old.retentionHours * 3600, new.retentionHours * 3600, ours, .inPlace)
        compare(
            "router.dedupe_window", seconds: old.dedupeWindowHours * 3600, new.dedupeWindowHours * 3600, ours, .restart)
        compare("router.dedupe_ids", "\(old.dedupeIds)", "\(new.dedupeIds)", ours, .restart)
        compare("router.max_unfinished", "\(old.maxUnfinished)", "\(new.maxUnfinished)", ours, .inPlace)
        if old.quarantine != new.quarantine { add("router.quarantine changed", ours, .restart) }
        metricsListen("router", old.metricsListen, new.metricsListen, .fanoutRouter)
    }

    private mutating func metricsListen(_ key: String, _ old: ListenAddress?, _ new: ListenAddress?, _ stage: Stage) {
        compare("\(key).metrics_listen", old.text, new.text, [stage], .restart)
    }
}

extension ListenAddress? {
    fileprivate var text: String { map(\.description) ?? "" }
}

extension ListenerTLS? {
    fileprivate var text: String { map { "\($0.certificate) with \($0.key)" } ?? "" }
}

extension EgressProxyConfiguration {
    /// All that counts, for comparing; never shown.
    fileprivate var text: String { "\(url) \(username ?? "") \(password.map { "\($0.place)" } ?? "")" }
}

extension APITokenConfiguration {
    /// All that counts, for comparing; never shown.
    fileprivate var text: String {
        let place =
            switch secret {
            case .reference(let reference): "\(reference.place)"
            case .sha256(let bytes): "\(bytes)"
            }
        return "\(name) \(scopes.sorted()) \(place)"
    }
}
