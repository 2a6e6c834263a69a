/// What an operator wants delivered again to one subscription, and how far that has come.
package struct ReplayJob: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        case running
        case finished
        case cancelled
    }

    /// Given by `EventLog.add`; never given twice.
    package var id: Int64 = 0
    package var subscription: String
    /// What was asked for, as JSON.
    package var selection: String
    /// Deliveries that it queues per second at most; nil: as many as the subscription takes.
    package var perSecond: Double?
    package var state = State.running
    /// Deliveries queued so far.
    package var queued = 0
    /// What was meant, but was retrying or queued already.
    package var skipped = 0
    /// Everything up to this position was looked at.
    package var position: UInt64
    /// The last position that is meant.
    package var last: UInt64
    package var createdAtNanoseconds: Int64
    package var finishedAtNanoseconds: Int64?
    /// Of what it queued, how many deliveries have not ended. Counted when it is read, never saved.
    package var waiting = 0

    package init(
        subscription: String, selection: String, perSecond: Double? = nil, position: UInt64, last: UInt64,
        createdAtNanoseconds: Int64
    ) {
        self.subscription = subscription
        self.selection = selection
        self.perSecond = perSecond
        self.position = position
        self.last = last
        self.createdAtNanoseconds = createdAtNanoseconds
    }
}

/// A delivery that waits to be made again.
///
/// Its row stays until the delivery ends, so that a crash keeps the mark: the lane clears it, or changes it to retrying
/// or dead. A lane reads each ticket once; after a restart it reads those that are left again, from the first.
package struct QueuedReplay: Sendable, Equatable {
    package var position: UInt64
    /// Ascending within the log and never given twice: pass the last one as `after` to go on.
    package var ticket: Int64
    /// The job that queued it; 0 for what was queued before there were jobs.
    package var job: Int64

    package init(position: UInt64, ticket: Int64, job: Int64) {
        self.position = position
        self.ticket = ticket
        self.job = job
    }
}
