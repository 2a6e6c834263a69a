import Bus
import StageMetrics
import Synchronization
import Wire

/// What the journal's thread needs of the bus; `IngressBus` in the process, something smaller in tests.
protocol BusPort: AnyObject, Sendable {
    func journaled(_ batches: [RecordBatch])
    func loaded(_ batches: [RecordBatch])
    func renumbered(id: JournalID, firstRetained: UInt64, nextSequence: UInt64)
    func stop()
}

extension IngressBus: BusPort {}

/// Takes the bus' calls, on its thread, to whom they concern; never blocks.
final class BusDelegate: IngressBusDelegate {
    private let pending: PendingAnswers
    private let sinks: AnswerSinks
    private let mailbox: JournalMailbox
    private let quotas: Quotas
    private let gaveUp: @Sendable (UInt64) -> Void

    /// `gaveUp` is told of a webhook that became a tombstone.
    init(
        pending: PendingAnswers, sinks: AnswerSinks, mailbox: JournalMailbox, quotas: Quotas = Quotas(),
        gaveUp: @escaping @Sendable (UInt64) -> Void
    ) {
        self.pending = pending
        self.sinks = sinks
        self.mailbox = mailbox
        self.quotas = quotas
        self.gaveUp = gaveUp
    }

    func answer(_ answers: [AnswerRange]) {
        sinks.deliver(pending.take(answers))
    }

    func judged(_ entries: [VerdictNotice.Entry]) {
        let now = monotonicNanoseconds()
        quotas.book.withLock { book in
            for entry in entries {
                let status = entry.verdict.httpStatus
                // A challenge is answered with 200; it proves nothing.
                let isGenuine: Bool? = status == 202 ? true : (400..<500).contains(status) ? false : nil
                book.judged(entry.sequences, isGenuine: isGenuine, at: now)
            }
        }
    }

    func settled(through watermark: UInt64) {
        quotas.book.withLock { $0.settled(through: watermark) }
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
