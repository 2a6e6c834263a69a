import Executable
import JSON
import PipelineConfiguration
import Primitives
import Providers

/// The decoded configuration as JSON: keys as in the file, those of durations with `_seconds`; paths absolute.
enum ConfigurationJSON {
    static func text(_ configuration: TributaryConfiguration) -> JSONText {
        .object([
            ("file", .string(configuration.file)),
            ("run_dir", .string(configuration.runDir)),
            ("data_dir", .string(configuration.dataDir)),
            ("ingress", ingress(configuration.ingress)),
            ("verifier", worker(configuration.verifier)),
            ("normaliser", worker(configuration.normaliser)),
            ("router", router(configuration.router)),
            ("sources", .array(configuration.sources.map(source))),
            ("subscriptions", .array(configuration.subscriptions.map(SubscriptionJSON.text))),
            ("environment", environment(configuration)),
        ])
    }

    /// Stage to names of environment variables: what a supervisor passes on, and nothing else.
    private static func environment(_ configuration: TributaryConfiguration) -> JSONText {
        .object(
            Stage.allCases.map { stage in
                (stage.rawValue, .array(configuration.environmentVariables(of: stage).map(JSONText.string)))
            })
    }

    private static func ingress(_ ingress: IngressConfiguration) -> JSONText {
        .object([
            ("listen", address(ingress.listen)),
            ("instances", .number(ingress.instances)),
            ("max_body_bytes", .number(ingress.maxBodyBytes)),
            ("disk_budget_bytes", .number(ingress.diskBudgetBytes)),
            ("max_connections", .number(ingress.maxConnections)),
            ("max_connections_per_address", .number(ingress.maxConnectionsPerAddress)),
            ("window_records", .number(ingress.windowRecords)),
            ("window_bytes", .number(ingress.windowBytes)),
            ("verdict_timeout_seconds", .number(ingress.verdictTimeout.inSeconds)),
            ("header_deadline_seconds", .number(ingress.headerDeadlineSeconds)),
            ("idle_timeout_seconds", .number(ingress.idleTimeoutSeconds)),
            ("minimum_body_bytes_per_second", .number(ingress.minimumBodyBytesPerSecond)),
            (
                "quotas",
                .object([
                    ("per_source", quota(ingress.quotas.perSource)),
                    ("per_address", quota(ingress.quotas.perAddress)), ("refused", quota(ingress.quotas.refused)),
                ])
            ),
            ("public_url", ingress.publicURL.isEmpty ? .null : .string(ingress.publicURL)),
            ("trusted_proxies", .array(ingress.trustedProxies.map(JSONText.string))),
            ("tls", .optional(ingress.tls, listenerTLS)),
            ("metrics_listen", .optional(ingress.metricsListen, address)),
        ])
    }

    private static func quota(_ quota: QuotaConfiguration) -> JSONText {
        .object([
            ("requests_per_second", .number(quota.requestsPerSecond)),
            ("bytes_per_second", .number(quota.bytesPerSecond)), ("burst_seconds", .number(quota.burst.inSeconds)),
        ])
    }

    private static func answer(_ answer: SuccessAnswer) -> JSONText {
        .object([
            ("status", .number(answer.status)), ("body", .string(answer.body)),
            ("content_type", .string(answer.contentType)),
        ])
    }

    private static func worker(_ worker: WorkerConfiguration) -> JSONText {
        .object([
            ("instances", .number(worker.instances)), ("metrics_listen", .optional(worker.metricsListen, address)),
        ])
    }

    private static func router(_ router: RouterConfiguration) -> JSONText {
        .object([
            ("instances", .number(1)),
            ("listen", .optional(router.listen, address)),
            ("tls", .optional(router.tls, listenerTLS)),
            ("public_url", router.publicURL.isEmpty ? .null : .string(router.publicURL)),
            ("api_tokens", .array(router.apiTokens.map(token))),
            ("egress_allow", .array(router.egressAllow.map(JSONText.string))),
            ("egress_proxy", .optional(router.egressProxy, proxy)),
            ("allow_http", .bool(router.allowHTTP)),
            ("event_log_budget_bytes", .number(router.eventLogBudgetBytes)),
            ("retention_seconds", .number(router.retentionHours * 3600)),
            ("dedupe_window_seconds", .number(router.dedupeWindowHours * 3600)),
            ("dedupe_ids", .number(router.dedupeIds)),
            ("max_unfinished", .number(router.maxUnfinished)),
            (
                "quarantine",
                .object([
                    ("max_webhooks", .number(router.quarantine.maxWebhooks)),
                    ("max_bytes", .number(router.quarantine.maxBytes)),
                    ("max_age_seconds", .number(router.quarantine.maxAgeSeconds)),
                    ("total_bytes", .number(router.quarantine.totalBytes)),
                ])
            ),
            ("metrics_listen", .optional(router.metricsListen, address)),
        ])
    }

    private static func token(_ token: APITokenConfiguration) -> JSONText {
        let scopes = APITokenConfiguration.allScopes.filter(token.scopes.contains)
        var members: [(String, JSONText)] = [
            ("name", .string(token.name)), ("scopes", .array(scopes.map(JSONText.string))),
        ]
        switch token.secret {
        case .reference(let value): members.append(("value", reference(value)))
        case .sha256(let digest):
            members.append(("sha256", .string(digest.withUnsafeBytes { Hexadecimal.encode($0) })))
        }
        return .object(members)
    }

    private static func proxy(_ proxy: EgressProxyConfiguration) -> JSONText {
        .object([
            ("url", .string(proxy.url.text)), ("username", .optional(proxy.username, JSONText.string)),
            ("password", .optional(proxy.password, reference)),
        ])
    }

    private static func listenerTLS(_ tls: ListenerTLS) -> JSONText {
        .object([("certificate", reference(tls.certificate)), ("key", reference(tls.key))])
    }

    private static func source(_ source: SourceConfiguration) -> JSONText {
        .object([
            ("name", .string(source.name)), ("provider", .string(source.provider)),
            (
                "verification",
                .object([
                    ("scheme", .string(source.scheme.name)), ("kind", .string(source.scheme.kind)),
                    ("unverified", .bool(source.isUnverified)),
                ])
            ),
            ("secrets", .array(source.secrets.map(secret))), ("path_tokens", .array(source.pathTokens.map(secret))),
            ("allow_addresses", .array(source.addresses.map(JSONText.string))),
            ("ids", .string(source.mapping.idsFromContent ? "content" : "generated")),
            ("mapping", .optional(source.mapping.pointers, mapping)),
            ("quota", .optional(source.quota, quota)), ("answer", .optional(source.answer, answer)),
        ])
    }

    private static func secret(_ secret: ConfiguredSecret) -> JSONText {
        .object([
            ("id", .optional(secret.id, JSONText.string)), ("value", reference(secret.value)),
            ("not_before", .optional(secret.validity.notBeforeNanoseconds) { .string(RFC3339.text($0, digits: 6)) }),
            ("not_after", .optional(secret.validity.notAfterNanoseconds) { .string(RFC3339.text($0, digits: 6)) }),
        ])
    }

    private static func mapping(_ mapping: PointerMapping) -> JSONText {
        let types = mapping.types.sorted { $0.key < $1.key }
        return .object([
            ("elements", .optional(mapping.elements, JSONText.string)),
            ("type", .optional(mapping.type, JSONText.string)), ("id", .optional(mapping.id, JSONText.string)),
            (
                "time",
                .optional(mapping.time) {
                    .object([("pointer", .string($0)), ("unit", .string(mapping.timeUnit.rawValue))])
                }
            ),
            ("subject", .optional(mapping.subject, JSONText.string)),
            ("key", .optional(mapping.partitionKey, JSONText.string)),
            ("types", .object(types.map { ($0.key, .string($0.value)) })),
            ("redact", .array(mapping.redactions.map(JSONText.string))),
        ])
    }

    private static func address(_ address: ListenAddress) -> JSONText {
        .string(address.description)
    }

    static func reference(_ reference: SecretReference) -> JSONText {
        .string(reference.description)
    }
}
