import AdminServer
import Bus
import Executable
import HTTPFront
import Journal
import Logging
import PipelineConfiguration
import Primitives
import Providers
import StageMetrics
import StageProcess
import Synchronization
import Wire

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
            sources: configuration.sources.map { SourceRoute($0, quotas: ingress.quotas) }, socket: socket,
            trustedProxies: ingress.trustedProxies.compactMap { IPNetwork($0) }, tls: ingress.tls,
            quotas: QuotaSettings(quotas: ingress.quotas, diskBudgetBytes: ingress.diskBudgetBytes))
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
    init(_ source: SourceConfiguration, quotas: QuotasConfiguration) {
        var check: ProbeCheck?
        if let provider = ProviderRegistry.provider(named: source.provider) {
            check = { head, body in provider.isProbe(head: head, body: body) }
        }
        self.init(name: source.name, isProbe: check, quota: source.quota ?? quotas.perSource, answer: source.answer)
    }
}

extension Ingress where Port == IngressBus {
    /// The ingress of this process, with its journal in `journalPath`.
    static func start(
        _ settings: IngressSettings, _ environment: StageEnvironment, journalPath: String
    ) throws -> Ingress<IngressBus> {
        let configuration = environment.configuration.ingress
        let logger = environment.logger
        let busSettings = IngressBusSettings(
            runDirectory: environment.runDirectory, instance: environment.instance,
            maxBodyBytes: configuration.maxBodyBytes, windowRecords: configuration.windowRecords,
            windowBytes: configuration.windowBytes,
            verdictTimeoutNanoseconds: configuration.verdictTimeout.nanoseconds)
        let registry = environment.registry
        let budgetBytes = configuration.diskBudgetBytes
        return try Ingress<IngressBus>(
            settings, registry: registry,
            openJournal: { try openJournal(journalPath, budgetBytes: budgetBytes, logger) },
            connect: { joinBus($0, busSettings, registry, $1) }, report: { sentence in logger.warning("\(sentence)") })
    }

    /// What must be in order for this instance to count as ready. It waits a moment for the rest of the pipeline, so that
    /// the first wrong signature is answered as such; after that a missing stage does not make it unready, because
    /// webhooks wait on disk.
    var checks: [HealthCheck] {
        let mode = state.mode.load(ordering: .relaxed)
        let error = state.lastError.withLock { $0 }
        return [
            HealthCheck(
                name: "journal", ok: mode == .accepting && error == nil,
                detail: error?.description ?? "\(state.backlog) webhooks are not settled"),
            HealthCheck(
                name: "pipeline", ok: bus.isLinked || monotonicNanoseconds() - startedAt > Self.linkPatienceNanoseconds,
                detail: bus.isLinked ? "linked" : "no verifier or no router; webhooks wait on disk"),
        ]
    }

    /// How long a starting ingress counts as not ready for want of a pipeline behind it.
    private static var linkPatienceNanoseconds: Int64 { 2_000_000_000 }
}

/// Opens the journal and says what its recovery dropped.
private func openJournal(_ path: String, budgetBytes: Int, _ logger: Logger) throws -> any Journal {
    let journal = try SQLiteJournal(path: path, budgetBytes: budgetBytes)
    if let notice = journal.recoveryNotice { logger.warning("\(notice)") }
    return journal
}

/// Binds the ingress' sockets and starts the bus thread.
private func joinBus(
    _ journal: any Journal, _ settings: IngressBusSettings, _ registry: MetricRegistry, _ delegate: BusDelegate
) -> IngressBus {
    let bus = IngressBus(
        settings: settings, journal: journal.id, firstRetained: journal.firstRetained,
        nextSequence: journal.nextSequence, metrics: registry)
    bus.start(delegate: delegate)
    return bus
}
