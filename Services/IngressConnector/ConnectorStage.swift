import AdminServer
import Bus
import CommitLog
import Executable
import Logging
import NIOSSL
import PipelineConfiguration
import StageMetrics
import StageProcess
import Synchronization
import WebhookIntake
import Wire

/// The connectors with their journal and their place on the bus, which is that of an ingress.
///
/// ```
/// connector ──webhooks──> mailbox ──> journal thread ──sealed batch──> bus thread ──> verifiers
///      ^                                   │ on disk
///      └───────────────────────────────────┘ deleted from the queue
/// ```
final class ConnectorStage: Sendable {
    private struct Running {
        let settings: ConnectorSettings
        let state: ConnectorState
        let task: Task<Void, Never>
    }

    private struct Partition {
        let intake: IntakePartition
        let journal: JournalThread
        let webhooks: ConnectorIntake
        let bus: IngressBus
    }

    private let environment: StageEnvironment
    private let folder: String
    /// One per router.
    private let partitions: [Partition]
    private let startedAt = monotonicNanoseconds()
    private let running = Mutex<[Running]>([])

    /// Opens the journals in `folder` and joins the bus. Nothing is fetched before `apply`.
    /// `failed` is told when a journal's disk failed: the stage has to be stopped and started anew.
    init(
        _ environment: StageEnvironment, folder: String, failed: @escaping @Sendable (LogError) -> Void
    ) throws {
        self.environment = environment
        self.folder = folder
        let logger = environment.logger
        let report: @Sendable (String) -> Void = { logger.warning("\($0)") }
        partitions = try environment.intakePartitions(folder).map { intake in
            let webhooks = ConnectorIntake(
                mailbox: intake.mailbox, journal: intake.state, instance: environment.instance,
                maxBodyBytes: environment.configuration.ingress.maxBodyBytes,
                startedTraces: environment.configuration.trace?.sample ?? 0)
            let journal = intake.journalThread(environment.registry, delegate: webhooks, report: report, failed: failed)
            let delegate = BusDelegate(mailbox: intake.mailbox, delegate: webhooks, report: report)
            let bus = try journal.start(
                open: { try environment.openJournal(folder, intake) },
                connect: { try environment.joinBus($0, intake, delegate) })
            return Partition(intake: intake, journal: journal, webhooks: webhooks, bus: bus)
        }
    }

    /// Runs these connectors from now on: those that are as before go on, the others end and begin. Throws, and changes
    /// nothing, where a secret cannot be read or used.
    func apply(_ connectors: [ConnectorConfiguration]) throws(StageFailure) {
        var wanted: [ConnectorSettings] = []
        for connector in connectors { wanted.append(try ConnectorSettings(connector, environment)) }
        let before = running.withLock { $0 }
        var after = before.filter { wanted.contains($0.settings) }
        var fresh: [(ConnectorSettings, ConnectorState, @Sendable () async -> Void)] = []
        for settings in wanted where !after.contains(where: { $0.settings == settings }) {
            let logger = environment.logger
            let state = ConnectorState(settings.name, environment.registry) { logger.notice("\($0)") }
            fresh.append((settings, state, try make(settings, state)))
        }
        for each in before where !wanted.contains(each.settings) { each.task.cancel() }
        for (settings, state, run) in fresh {
            let former = before.filter { $0.settings.name == settings.name }.map(\.task)
            let task = Task {
                for each in former { await each.value }
                await run()
            }
            after.append(Running(settings: settings, state: state, task: task))
        }
        running.withLock { $0 = after }
        for each in before where !after.contains(where: { $0.settings.name == each.settings.name }) {
            environment.registry.forget(label: ("connector", each.settings.name))
        }
    }

    private func make(
        _ settings: ConnectorSettings, _ state: ConnectorState
    ) throws(StageFailure) -> @Sendable () async -> Void {
        let source = environment.configuration.sources.first { $0.name == settings.source }
        let intake = partitions[source.map(environment.configuration.router(of:)) ?? 0].webhooks
        do {
            switch settings.place {
            case .queue(let queue):
                let connector = try QueueConnector(settings, queue, intake, state)
                return { await connector.run() }
            case .fishjam(let server):
                let connector = try FishjamConnector(
                    settings, server, intake, state,
                    messageBytes: environment.configuration.ingress.maxBodyBytes,
                    path: "\(folder)/\(settings.name).heard")
                return { await connector.run() }
            }
        } catch {
            throw StageFailure(.configuration, "connector \(settings.name): ca holds no certificate in PEM (\(error))")
        }
    }

    var checks: [HealthCheck] {
        partitions.flatMap { $0.intake.checks($0.bus, startedAtNanoseconds: startedAt) }
            + running.withLock { $0.map(\.state.check) }
    }

    /// Ends in order: fetches nothing more, commits what waits and deletes it where it came from, leaves the bus.
    func stop() {
        for each in partitions { each.webhooks.close() }
        let (tasks, ended) = (running.withLock { $0.map(\.task) }, Promise<Void>())
        for each in tasks { each.cancel() }
        Task {
            for each in tasks { await each.value }
            ended.give(.success(()))
        }
        _ = ended.wait()
        for each in partitions { each.intake.awaitSettlement(by: each.bus) }
        for each in partitions { each.journal.stop() }
        for each in partitions { each.bus.stop() }
    }
}
