import Synchronization
import WebhookIntake

/// What the front door keeps for one router: the way to its journal, and what may come in for it. A source belongs to one
/// router, so its quotas are all here.
final class Partition: Sendable {
    let intake: IntakePartition
    let quotas: Quotas

    init(_ intake: IntakePartition = IntakePartition(), _ settings: QuotaSettings = QuotaSettings()) {
        self.intake = intake
        quotas = Quotas(settings)
    }

    /// What the journal holds.
    var journalBytes: Int { intake.state.retainedBytes.load(ordering: .relaxed) }

    /// Why webhooks cannot be taken in at present.
    var refusal: Refusal? {
        switch intake.state.mode.load(ordering: .relaxed) {
        case .accepting: intake.mailbox.isFull ? .overloaded : nil
        case .full: .unavailable("journal_full", "The journal's disk is full.")
        case .overBudget:
            .unavailable("journal_over_budget", "The journal's disk budget is used up until webhooks are settled.")
        case .failed: .unavailable("journal_failed", "The journal's disk failed.")
        }
    }
}
