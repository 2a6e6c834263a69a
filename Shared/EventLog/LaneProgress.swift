/// How far one subscription has come, as it is saved: a cursor and what differs from it.
package struct LaneProgress: Sendable, Equatable {
    package var subscription: String
    /// The highest position taken up.
    package var taken: UInt64
    /// Positions up to `taken` that are neither delivered nor dead, ascending. Bounded by the lane.
    package var unfinished: [UInt64]
    /// Why the subscription is disabled; nil while it is not.
    package var disabledReason: String?
    /// Whether an operator paused the subscription: it keeps its place.
    package var isPaused: Bool
    /// Deliveries whose state changed since the last save.
    package var changes: [DeliveryChange] = []
    /// Attempts made since the last save that are worth keeping.
    package var attempts: [AttemptRecord] = []

    package init(
        subscription: String, taken: UInt64, unfinished: [UInt64] = [], disabledReason: String? = nil,
        isPaused: Bool = false
    ) {
        self.subscription = subscription
        self.taken = taken
        self.unfinished = unfinished
        self.disabledReason = disabledReason
        self.isPaused = isPaused
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
    /// The replay job that asked for it.
    package var replay: Int64?

    package init(
        position: UInt64, last: UInt64? = nil, attempts: Int, firstAttemptNanoseconds: Int64, dueNanoseconds: Int64,
        replay: Int64? = nil
    ) {
        self.position = position
        self.last = last ?? position
        self.attempts = attempts
        self.firstAttemptNanoseconds = firstAttemptNanoseconds
        self.dueNanoseconds = dueNanoseconds
        self.replay = replay
    }
}

/// What a lane starts from.
package struct SavedLane: Sendable, Equatable {
    package var progress: LaneProgress
    package var retrying: [RetryingDelivery]
    /// Whether deliveries are queued for replay. They are not among `progress.unfinished`, whatever the lane saved: it
    /// reads them from the queue again.
    package var hasReplays: Bool

    package init(progress: LaneProgress, retrying: [RetryingDelivery] = [], hasReplays: Bool = false) {
        self.progress = progress
        self.retrying = retrying
        self.hasReplays = hasReplays
    }
}
