import Bus
import Wire

/// What the journal's thread needs of the bus; `IngressBus` in the process, something smaller in tests.
protocol BusPort: AnyObject, Sendable {
    func journaled(_ batches: [JournaledBatch])
    func loaded(_ batches: [JournaledBatch])
    func renumbered(id: JournalID, firstRetained: UInt64, nextSequence: UInt64)
    func stop()
}

extension IngressBus: BusPort {}

/// Takes the bus' calls, on its thread, to whom they concern; never blocks.
final class BusCorrespondent: IngressBusDelegate {
    private let pending: PendingAnswers
    private let sinks: AnswerSinks
    private let mailbox: JournalMailbox
    private let gaveUp: @Sendable (UInt64) -> Void

    /// `gaveUp` is told of a webhook that became a tombstone.
    init(
        pending: PendingAnswers, sinks: AnswerSinks, mailbox: JournalMailbox,
        gaveUp: @escaping @Sendable (UInt64) -> Void
    ) {
        self.pending = pending
        self.sinks = sinks
        self.mailbox = mailbox
        self.gaveUp = gaveUp
    }

    func answer(_ answers: [AnswerRange]) {
        sinks.deliver(pending.take(answers))
    }

    func settled(through watermark: UInt64) {
        mailbox.settle(through: watermark)
    }

    func readBack(from sequence: UInt64, maxRecords: Int, maxBytes: Int) {
        mailbox.readBack(.init(sequence: sequence, maxRecords: maxRecords, maxBytes: maxBytes))
    }

    func renumber() {
        mailbox.renumber()
    }

    func gaveUp(sequence: UInt64) {
        gaveUp(sequence)
    }
}
