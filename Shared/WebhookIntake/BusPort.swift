package import Bus
package import CommitLog
package import Wire

/// What the journal's thread needs of the bus; `IngressBus` in the process, something smaller in tests.
package protocol BusPort: AnyObject, Sendable {
    func journaled(_ batches: [RecordBatch])
    func loaded(_ batches: [RecordBatch])
    func renumbered(id: JournalID, firstRetained: UInt64, nextSequence: UInt64)
    /// Whether what is sent now gets settled.
    var isLinked: Bool { get }
    func stop()
}

extension IngressBus: BusPort {}

/// Is told what becomes of the webhooks that were handed to the journal. Never blocks.
package protocol IntakeDelegate: AnyObject, Sendable {
    // From the journal's thread.

    /// They are on disk, from that sequence on, and not yet on the bus. `nanoseconds`: when the commit began, on the
    /// monotonic clock. Returns whether somebody else waits for an answer too.
    func journaled(_ tokens: [ReplyToken], first: UInt64, journal: JournalID, at nanoseconds: Int64) -> Bool
    /// They are not, and never will be.
    func refused(_ tokens: [ReplyToken], _ error: LogError)
    /// What is not settled has other numbers from now on; `next` is the first that is not given.
    func renumbered(next: UInt64)

    // From the bus' thread.

    func answer(_ answers: [AnswerRange])
    func judged(_ entries: [VerdictNotice.Entry])
    func settled(through watermark: UInt64)
}

/// For whoever is content with what is on disk.
extension IntakeDelegate {
    package func renumbered(next: UInt64) {}
    package func answer(_ answers: [AnswerRange]) {}
    package func judged(_ entries: [VerdictNotice.Entry]) {}
    package func settled(through watermark: UInt64) {}
}

/// Takes the bus' calls, on its thread, to whom they concern; never blocks.
package final class BusDelegate: IngressBusDelegate {
    private let mailbox: JournalMailbox
    private let delegate: any IntakeDelegate
    private let report: @Sendable (String) -> Void

    /// `report` gets sentences for the log.
    package init(
        mailbox: JournalMailbox, delegate: any IntakeDelegate, report: @escaping @Sendable (String) -> Void
    ) {
        self.mailbox = mailbox
        self.delegate = delegate
        self.report = report
    }

    package func answer(_ answers: [AnswerRange]) { delegate.answer(answers) }

    package func judged(_ entries: [VerdictNotice.Entry]) { delegate.judged(entries) }

    package func settled(through watermark: UInt64) {
        delegate.settled(through: watermark)
        mailbox.settle(through: watermark)
    }

    package func readBack(from sequence: UInt64, maxRecords: Int, maxBytes: Int) {
        mailbox.readBack(.init(sequence: sequence, maxRecords: maxRecords, maxBytes: maxBytes))
    }

    package func renumber() {
        mailbox.renumber()
    }

    package func gaveUp(sequence: UInt64) {
        report("webhook \(sequence) killed every worker that held it; it goes to quarantine with the code poison")
    }
}
