package import AdminServer
package import Bus
package import CommitLog
package import Executable
internal import Glibc
package import Journal
internal import JournalTakeOver
internal import Logging
package import PipelineConfiguration
internal import Primitives
package import StageMetrics
package import StageProcess
internal import Synchronization

/// What every stage with a journal starts with.
extension StageEnvironment {
    /// Runs the stage to its end; where that fails the process ends, and says why.
    package func withJournal(_ serve: (StageEnvironment) throws -> Void) {
        do {
            try serve(self)
        } catch let failure as StageFailure {
            end(failure)
        } catch let error as LogError {
            end(error.failure(of: "journal"))
        } catch {
            end(StageFailure(.io, "\(error)"))
        }
    }

    /// The partition of each router, in their order; `folder`: where the journals are.
    package func intakePartitions(_ folder: String) throws -> [IntakePartition] {
        let count = configuration.router.instances
        try JournalFolders.checkOthers(folder, count: count, configuration.ingress.journal)
        return (0..<count).map { IntakePartition($0, of: count) }
    }

    /// Opens the journal for a router and says what its start found out.
    package func openJournal(_ folder: String, _ partition: IntakePartition) throws -> Journal {
        let path = JournalFolders.path(folder, partition.number, of: partition.count)
        let journal = try Journal(path: path, configuration.ingress.journal, takeOver: SQLiteJournal.takeOver)
        for notice in journal.notices { logger.warning("\(notice)") }
        return journal
    }

    /// Binds the sockets of an ingress and starts the bus thread.
    package func joinBus(
        _ journal: Journal, _ partition: IntakePartition, _ delegate: BusDelegate
    ) throws(StageFailure) -> IngressBus {
        let ingress = configuration.ingress
        let bus = IngressBus(
            settings: IngressBusSettings(
                runDirectory: try busDirectory(), instance: busInstances[partition.number],
                maxBodyBytes: ingress.maxBodyBytes, windowRecords: ingress.windowRecords,
                windowBytes: ingress.windowBytes, verdictTimeoutNanoseconds: ingress.verdictTimeout.nanoseconds,
                labels: partition.labels, threadName: partition.named("bus")),
            journal: journal.id, firstRetained: journal.watermark + 1, nextSequence: journal.nextSequence,
            metrics: registry, refusals: linkRefusals(labels: partition.labels))
        bus.start(delegate: delegate)
        return bus
    }
}

extension IngressConfiguration {
    /// The limits of a journal.
    package var journal: SegmentLog.Options {
        SegmentLog.Options(budgetBytes: diskBudgetBytes, recordBytes: journalCommitBytes)
    }
}

extension IntakePartition {
    /// Before an orderly end, when nothing more comes: lets what is on its way be settled, for a second at most and only
    /// while it can be, so that the next start has nothing to send again.
    package func awaitSettlement(by bus: any BusPort) {
        let end = monotonicNanoseconds() + IntakeLimits.settlementNanoseconds
        while bus.isLinked, state.backlog > 0, monotonicNanoseconds() < end { usleep(5_000) }
    }

    /// The thread of its journal, not started yet.
    package func journalThread(
        _ registry: MetricRegistry, delegate: any IntakeDelegate, report: @escaping @Sendable (String) -> Void,
        failed: @escaping @Sendable (LogError) -> Void
    ) -> JournalThread {
        JournalThread(
            mailbox: mailbox, delegate: delegate, state: state, metrics: JournalMetrics(registry, self),
            heartbeat: registry.heartbeat(of: named("journal")), report: report, failed: failed)
    }

    /// Whether its journal takes webhooks, and whether the stages behind are there. A starting ingress waits a moment for
    /// them, so that the first wrong signature is answered as such; after that a missing stage does not make it unready,
    /// because webhooks wait on disk.
    package func checks(_ bus: IngressBus, startedAtNanoseconds: Int64) -> [HealthCheck] {
        let error = state.lastError.withLock { $0 }
        return [
            HealthCheck(
                name: named("journal"), ok: state.mode.load(ordering: .relaxed) == .accepting && error == nil,
                detail: error.map { "journal_\($0)" } ?? "\(state.backlog) webhooks are not settled"),
            HealthCheck(
                name: named("pipeline"),
                ok: bus.isLinked || monotonicNanoseconds() - startedAtNanoseconds > Self.linkPatienceNanoseconds,
                detail: bus.isLinked
                    ? "linked"
                    : (["no verifier or no router; webhooks wait on disk"] + bus.refusals.all).joined(separator: "; ")),
        ]
    }

    /// How long a starting ingress counts as not ready for want of a pipeline behind it.
    private static let linkPatienceNanoseconds: Int64 = 2_000_000_000
}
