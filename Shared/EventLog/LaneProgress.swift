/// How far one subscription has come, as it is saved: a cursor and what differs from it.
package struct LaneProgress: Sendable, Equatable {
    package var subscription: String
    /// The highest position taken up.
    package var taken: UInt64
    /// Positions up to `taken` that are neither delivered nor dead, ascending. Bounded by the lane.
    package var unfinished: [UInt64]
    /// Why the subscription is disabled; nil while it is not.
    package var disabledReason: String?
    /// Deliveries whose state changed since the last save.
    package var changes: [DeliveryChange] = []
    /// Attempts made since the last save that are worth keeping.
    package var attempts: [AttemptRecord] = []

    package init(subscription: String, taken: UInt64, unfinished: [UInt64] = [], disabledReason: String? = nil) {
        self.subscription = subscription
        self.taken = taken
        self.unfinished = unfinished
        self.disabledReason = disabledReason
    }
}

/// What became of one delivery that is an exception, or no longer one.
package enum DeliveryChange: Sendable, Equatable {
    /// Delivered, or taken up again: no exception any more.
    case cleared(position: UInt64)
    /// Waits for its next attempt.
    case retrying(RetryingDelivery)
    /// Given up. A range where retention overtook the cursor.
    case dead(DeadLetter)
}

/// A delivery that failed and waits.
package struct RetryingDelivery: Sendable, Equatable {
    package var position: UInt64
    /// The last event of a batch; `position` for a delivery of one event.
    package var last: UInt64
    /// Attempts made so far.
    package var attempts: Int
    /// When the first attempt began, and when the next is due: nanoseconds since 1970.
    package var firstAttemptNanoseconds: Int64
    package var dueNanoseconds: Int64

    package init(
        position: UInt64, last: UInt64? = nil, attempts: Int, firstAttemptNanoseconds: Int64, dueNanoseconds: Int64
    ) {
        self.position = position
        self.last = last ?? position
        self.attempts = attempts
        self.firstAttemptNanoseconds = firstAttemptNanoseconds
        self.dueNanoseconds = dueNanoseconds
    }
}

/// A delivery, or a range of them, that was given up.
package struct DeadLetter: Sendable, Equatable {
    package var first: UInt64
    package var last: UInt64
    /// `expired`, or what the last attempt met.
    package var reason: String
    package var attempts: Int
    package var diedAtNanoseconds: Int64

    package init(first: UInt64, last: UInt64, reason: String, attempts: Int, diedAtNanoseconds: Int64) {
        self.first = first
        self.last = last
        self.reason = reason
        self.attempts = attempts
        self.diedAtNanoseconds = diedAtNanoseconds
    }
}

/// One request and what came of it.
package struct AttemptRecord: Sendable, Equatable {
    package var position: UInt64
    package var number: Int
    package var startedNanoseconds: Int64
    package var durationNanoseconds: Int64
    /// The stable word: `delivered`, `status`, `timeout` …
    package var outcome: String
    /// The HTTP status, where one came.
    package var status: Int?
    package var detail: String

    package init(
        position: UInt64, number: Int, startedNanoseconds: Int64, durationNanoseconds: Int64, outcome: String,
        status: Int?, detail: String
    ) {
        self.position = position
        self.number = number
        self.startedNanoseconds = startedNanoseconds
        self.durationNanoseconds = durationNanoseconds
        self.outcome = outcome
        self.status = status
        self.detail = detail
    }
}

/// What a lane starts from.
package struct SavedLane: Sendable, Equatable {
    package var progress: LaneProgress
    package var retrying: [RetryingDelivery]
    /// Whether dead letters were queued for replay and not yet taken up.
    package var hasReplays: Bool

    package init(progress: LaneProgress, retrying: [RetryingDelivery] = [], hasReplays: Bool = false) {
        self.progress = progress
        self.retrying = retrying
        self.hasReplays = hasReplays
    }
}
