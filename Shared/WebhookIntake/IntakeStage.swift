package import AdminServer
package import Bus
package import CommitLog
package import Executable
package import Journal
internal import JournalTakeOver
internal import Logging
package import PipelineConfiguration
internal import Primitives
internal import StageMetrics
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

    /// Opens the journal in `path` and says what its start found out.
    package func openJournal(_ path: String) throws -> Journal {
        let journal = try Journal(path: path, configuration.ingress.journal, takeOver: SQLiteJournal.takeOver)
        for notice in journal.notices { logger.warning("\(notice)") }
        return journal
    }

    /// Binds the sockets of an ingress and starts the bus thread.
    package func joinBus(_ journal: Journal, _ delegate: BusDelegate) throws(StageFailure) -> IngressBus {
        let ingress = configuration.ingress
        let bus = IngressBus(
            settings: IngressBusSettings(
                runDirectory: try busDirectory(), instance: instance, maxBodyBytes: ingress.maxBodyBytes,
                windowRecords: ingress.windowRecords, windowBytes: ingress.windowBytes,
                verdictTimeoutNanoseconds: ingress.verdictTimeout.nanoseconds),
            journal: journal.id, firstRetained: journal.watermark + 1, nextSequence: journal.nextSequence,
            metrics: registry, refusals: linkRefusals)
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

extension JournalState {
    /// Whether the journal takes webhooks.
    package var check: HealthCheck {
        let error = lastError.withLock { $0 }
        return HealthCheck(
            name: "journal", ok: mode.load(ordering: .relaxed) == .accepting && error == nil,
            detail: error.map { "journal_\($0)" } ?? "\(backlog) webhooks are not settled")
    }

    /// Whether the stages behind are there. A starting ingress waits a moment for them, so that the first wrong signature
    /// is answered as such; after that a missing stage does not make it unready, because webhooks wait on disk.
    package static func pipelineCheck(_ bus: IngressBus, startedAtNanoseconds: Int64) -> HealthCheck {
        HealthCheck(
            name: "pipeline",
            ok: bus.isLinked || monotonicNanoseconds() - startedAtNanoseconds > linkPatienceNanoseconds,
            detail: bus.isLinked
                ? "linked"
                : (["no verifier or no router; webhooks wait on disk"] + bus.refusals.all).joined(separator: "; "))
    }

    /// How long a starting ingress counts as not ready for want of a pipeline behind it.
    private static let linkPatienceNanoseconds: Int64 = 2_000_000_000
}
