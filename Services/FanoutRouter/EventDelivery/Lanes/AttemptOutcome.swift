/// What one attempt came to, whatever kind of destination it went to; `RetryPolicy` decides what follows.
struct AttemptOutcome: Sendable, Equatable {
    /// What it says of this delivery and of those to come.
    enum Verdict: Sendable, Equatable {
        case delivered
        /// The destination did not take it now; it may later.
        case retry
        /// There was no way to it, or it broke off. A time-out is a `retry`.
        case unreachable
        /// The same delivery would come to the same, says the destination.
        case final
        /// The same of one that is too large; the halves of a batch may not be.
        case tooLarge
        /// The destination wants nothing more.
        case gone
    }

    var verdict: Verdict
    /// How the attempt ended.
    var end: AttemptEnd
    /// A sentence part for people; empty where the word says it all.
    var detail = ""
    /// How long the destination asked to be left alone.
    var retryAfterSeconds: Int?
    /// The HTTP status, of kinds that have one.
    var status: Int?
    /// The beginning of what the destination said, for people who ask why it refused.
    var answer: [UInt8] = []

    static let delivered = AttemptOutcome(verdict: .delivered, end: .delivered)

    /// The stable word in metrics, API and log.
    var word: String { end.word }

    /// The stable word of a dead letter that it left.
    var cause: String { status.map { "status \($0)" } ?? word }

    /// Why a delivery died of this attempt: the cause, and what it was about.
    var reason: String { detail.isEmpty ? cause : "\(cause): \(detail)" }
}

/// A way in which an attempt can end. Each kind of destination has its own; some are common.
package struct AttemptEnd: Sendable, Equatable {
    package let word: String
    /// How far the attempt came.
    package let phase: AttemptPhase

    init(_ word: String, _ phase: AttemptPhase) {
        self.word = word
        self.phase = phase
    }

    static let delivered = AttemptEnd("delivered", .answered)
    /// The router's configuration does not allow the place to which the destination leads.
    static let addressRefused = AttemptEnd("address_refused", .resolve)
}

/// How far an attempt came.
package enum AttemptPhase: String, Sendable, CaseIterable {
    /// The destination was not found, or may not be used.
    case resolve
    /// There was no connection; a file was not opened.
    case connect
    /// The request did not go out whole; what was to be written was not.
    case send
    /// No whole answer came; what was written is not known to last.
    case answer
    /// A whole answer came.
    case answered
}
