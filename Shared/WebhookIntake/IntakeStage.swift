package import AdminServer
package import Bus
internal import Executable
package import Journal
internal import Logging
internal import PipelineConfiguration
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
        } catch let error as JournalError where error.code == .locked {
            end(StageFailure(.temporary, "\(error)"))
        } catch {
            end(StageFailure(.io, "\(error)"))
        }
    }

    /// Opens the journal in `path` and says what its recovery dropped.
    package func openJournal(_ path: String) throws -> any Journal {
        let journal = try SQLiteJournal(path: path, budgetBytes: configuration.ingress.diskBudgetBytes)
        if let notice = journal.recoveryNotice { logger.warning("\(notice)") }
        return journal
    }

    /// Binds the sockets of an ingress and starts the bus thread.
    package func joinBus(_ journal: any Journal, _ delegate: BusDelegate) -> IngressBus {
        let ingress = configuration.ingress
        let bus = IngressBus(
            settings: IngressBusSettings(
                runDirectory: runDirectory, instance: instance, maxBodyBytes: ingress.maxBodyBytes,
                windowRecords: ingress.windowRecords, windowBytes: ingress.windowBytes,
                verdictTimeoutNanoseconds: ingress.verdictTimeout.nanoseconds),
            journal: journal.id, firstRetained: journal.firstRetained, nextSequence: journal.nextSequence,
            metrics: registry)
        bus.start(delegate: delegate)
        return bus
    }
}

extension JournalState {
    /// Whether the journal takes webhooks.
    package var check: HealthCheck {
        let error = lastError.withLock { $0 }
        return HealthCheck(
            name: "journal", ok: mode.load(ordering: .relaxed) == .accepting && error == nil,
            detail: error?.description ?? "\(backlog) webhooks are not settled")
    }

    /// Whether the stages behind are there. A starting ingress waits a moment for them, so that the first wrong signature
    /// is answered as such; after that a missing stage does not make it unready, because webhooks wait on disk.
    package static func pipelineCheck(isLinked: Bool, startedAtNanoseconds: Int64) -> HealthCheck {
        HealthCheck(
            name: "pipeline",
            ok: isLinked || monotonicNanoseconds() - startedAtNanoseconds > linkPatienceNanoseconds,
            detail: isLinked ? "linked" : "no verifier or no router; webhooks wait on disk")
    }

    /// How long a starting ingress counts as not ready for want of a pipeline behind it.
    private static let linkPatienceNanoseconds: Int64 = 2_000_000_000
}
