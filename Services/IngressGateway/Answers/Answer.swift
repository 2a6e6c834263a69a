import WebhookIntake
import Wire

/// What a request gets.
enum Answer: Sendable {
    /// On disk; not refused by the time the answer left. Verified: the verifier said so by then.
    case accepted(JournalID, UInt64, isVerified: Bool)
    /// On disk, and the verifier had its say within the time for it.
    case judged(Verdict, JournalID, UInt64)
    /// A probe of the provider; not journaled.
    case probe
    /// Whether and how webhooks may be sent here; not journaled.
    case handshake(WebhookHandshake)
    case refused(Refusal)

    /// The answer to a journaled webhook.
    init(_ verdict: Verdict?, journal: JournalID, sequence: UInt64) {
        if let verdict, verdict.httpStatus != 202 || !verdict.reply.isEmpty {
            self = .judged(verdict, journal, sequence)
        } else {
            self = .accepted(journal, sequence, isVerified: verdict != nil)
        }
    }

    var status: Int {
        switch self {
        case .accepted: 202
        case .judged(let verdict, _, _): Int(verdict.httpStatus)
        case .probe, .handshake(.allowed): 200
        case .handshake(.methods): 204
        case .refused(let refusal): refusal.status
        }
    }
}

/// Takes answers back to where the requests came from; called from the journal's and the bus' threads.
protocol AnswerSink: AnyObject, Sendable {
    func deliver(_ answers: [(ReplyToken, Answer)])
}

/// All sinks, in the order of `ReplyToken.sink`.
struct AnswerSinks: Sendable {
    let sinks: [any AnswerSink]

    /// One call per sink, whatever the number of answers.
    func deliver(_ answers: [(ReplyToken, Answer)]) {
        guard let first = answers.first else { return }
        if answers.allSatisfy({ $0.0.sink == first.0.sink }) {
            sinks[Int(first.0.sink)].deliver(answers)
            return
        }
        for (index, sink) in sinks.enumerated() {
            let own = answers.filter { $0.0.sink == Int32(index) }
            if !own.isEmpty { sink.deliver(own) }
        }
    }
}
