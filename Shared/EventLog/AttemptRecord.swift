/// One request and what came of it.
package struct AttemptRecord: Sendable, Equatable {
    /// Bytes of an answer that are kept.
    package static let answerBytes = 1024

    /// Of a batch, the first event.
    package var position: UInt64
    package var number: Int
    package var startedNanoseconds: Int64
    package var durationNanoseconds: Int64
    /// The stable word: `delivered`, `status`, `timeout` …
    package var outcome: String
    /// The HTTP status, where one came.
    package var status: Int?
    package var detail: String
    /// The beginning of the answer's body; more than `answerBytes` is not kept.
    package var answer: [UInt8]
    /// The replay job that asked for it.
    package var replay: Int64?

    package init(
        position: UInt64, number: Int, startedNanoseconds: Int64, durationNanoseconds: Int64, outcome: String,
        status: Int?, detail: String, answer: [UInt8] = [], replay: Int64? = nil
    ) {
        self.position = position
        self.number = number
        self.startedNanoseconds = startedNanoseconds
        self.durationNanoseconds = durationNanoseconds
        self.outcome = outcome
        self.status = status
        self.detail = detail
        self.answer = answer
        self.replay = replay
    }
}

/// Which attempts are wanted, newest first; absent parts match everything.
package struct AttemptQuery: Sendable {
    package var subscription: String?
    package var position: UInt64?
    /// Any of these outcome words; empty: all.
    package var outcomes: [String] = []
    /// Begun at or after this time: nanoseconds since 1970.
    package var since: Int64?
    /// Begun before this time.
    package var until: Int64?
    /// Go on behind this attempt, the `next` of the page before; nil: from the newest.
    package var before: Int64?
    package var limit = 100
    /// A query gives up its turn after so many attempts, matching or not, and says where to go on.
    package var rowLimit = 20_000

    package init() {}
}

/// The answer to an `AttemptQuery`.
package struct AttemptPage: Sendable {
    package var attempts: [(subscription: String, attempt: AttemptRecord)] = []
    /// Pass as `before` to go on; nil at the end.
    package var next: Int64?
}
