import Bus
import CommitLog
import StageMetrics
import Synchronization
import WebhookIntake
import Wire

/// Takes what becomes of webhooks to whoever waits for an answer, and to the quotas.
final class JournalAnswers: IntakeDelegate {
    private let pending: PendingAnswers
    private let sinks: AnswerSinks
    private let quotas: Quotas

    init(pending: PendingAnswers, sinks: AnswerSinks, quotas: Quotas = Quotas()) {
        self.pending = pending
        self.sinks = sinks
        self.quotas = quotas
    }

    func journaled(_ tokens: [ReplyToken], first: UInt64, journal: JournalID, at nanoseconds: Int64) -> Bool {
        quotas.book.withLock { $0.journaled(tokens.lazy.map(\.receipt), first: first, at: nanoseconds) }
        return pending.add(tokens, first: first, journal: journal) > tokens.count
    }

    func refused(_ tokens: [ReplyToken], _ error: LogError) {
        quotas.book.withLock { book in
            for token in tokens { book.release(token.receipt) }
        }
        let refusal = Refusal.unavailable("journal_\(error.code.rawValue)", "The journal cannot take the webhook now.")
        sinks.deliver(tokens.map { ($0, .refused(refusal)) })
    }

    /// The webhooks are on disk; their verdicts would come under numbers that count no longer.
    func renumbered(next: UInt64) {
        sinks.deliver(pending.takeAll())
        quotas.book.withLock { $0.forgetPending(next: next) }
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
    }
}
