import AdminServer
import Bus
import CommitLog
import Executable
import HTTPFront
import Logging
import NIOCore
import PipelineConfiguration
import Primitives
import Providers
import StageProcess
import WebhookIntake

extension IngressSettings {
    /// What the configuration says of this ingress. Instance n listens where the configuration says unless the
    /// supervisor passes a socket; several instances share the port by `SO_REUSEPORT`.
    init(_ environment: StageEnvironment) {
        let ingress = environment.configuration.ingress
        self.init(
            environment.configuration, instance: environment.instance,
            socket: .choose(host: ingress.listen.host, port: ingress.listen.port))
    }

    /// The same with a socket that was chosen before, which only the start needs.
    init(_ configuration: TributaryConfiguration, instance: String, socket: ListeningSocket) {
        let ingress = configuration.ingress
        var limits = IngressLimits()
        limits.bodyBytes = ingress.maxBodyBytes
        limits.connections = min(ingress.maxConnections, DescriptorLimit.connections(within: DescriptorLimit.current))
        limits.connectionsPerAddress = ingress.maxConnectionsPerAddress
        limits.headerDeadlineNanoseconds = ingress.headerDeadline.nanoseconds
        limits.idleTimeoutNanoseconds = ingress.idleTimeout.nanoseconds
        limits.minimumBodyBytesPerSecond = ingress.minimumBodyBytesPerSecond
        self.init(
            instance: instance, limits: limits,
            sources: configuration.sources.map {
                SourceRoute($0, quotas: ingress.quotas, router: configuration.router(of: $0))
            }, socket: socket,
            trustedProxies: ingress.trustedProxies.compactMap { IPNetwork($0) }, tls: ingress.tls,
            quotas: QuotaSettings(quotas: ingress.quotas, journalBytes: ingress.journal.capacityBytes),
            eventLoops: ingress.threads ?? max(1, System.coreCount / 2),
            startedTraces: configuration.trace?.sample ?? 0)
    }
}

extension IngressConfiguration {
    /// What the operator should know where the process may not have as many descriptors open as there may be connections;
    /// nil where all is well. Throws where it could not work at all.
    func descriptorNotice(limit: Int = DescriptorLimit.current) throws(StageFailure) -> String? {
        let room = DescriptorLimit.connections(within: limit)
        let remedy = "raise the hard limit of open files (ulimit -Hn, LimitNOFILE=)"
        guard limit >= 64 else {
            throw StageFailure(.configuration, "this process may have \(limit) files open, and needs 64: \(remedy)")
        }
        guard maxConnections > room else { return nil }
        return "ingress.max_connections is \(maxConnections), but this process may have \(limit) files open only and "
            + "keeps \(limit - room) of them for journal, bus and admin endpoint; it takes \(room) connections. "
            + "For more, \(remedy); or lower max_connections"
    }
}

extension SourceRoute {
    /// A source with its provider's way of recognising probes.
    convenience init(_ source: SourceConfiguration, quotas: QuotasConfiguration, router: Int) {
        var check: ProbeCheck?
        if let provider = ProviderRegistry.provider(named: source.provider) {
            check = { head, body in provider.isProbe(head: head, body: body) }
        }
        self.init(
            name: source.name, isProbe: check, quota: source.quota ?? quotas.perSource, answer: source.answer,
            endpoint: ProviderRegistry.provider(named: source.provider)?.endpoint,
            bodyBytes: source.maxBodyBytes ?? .max, router: router)
    }
}

extension Ingress where Port == IngressBus {
    /// The ingress of this process, with its journals in `folder`.
    static func start(
        _ settings: IngressSettings, _ environment: StageEnvironment, folder: String,
        failed: @escaping @Sendable (LogError) -> Void
    ) throws -> Ingress<IngressBus> {
        try Ingress<IngressBus>(
            settings, intakes: try environment.intakePartitions(folder), registry: environment.registry,
            openJournal: { try environment.openJournal(folder, $0) },
            connect: { try environment.joinBus($0, $1, $2) },
            report: { sentence in environment.logger.warning("\(sentence)") }, failed: failed)
    }

    /// What must be in order for this instance to count as ready.
    var checks: [HealthCheck] {
        running.flatMap { $0.partition.intake.checks($0.bus, startedAtNanoseconds: startedAt) }
    }
}
