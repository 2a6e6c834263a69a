import EventLog

/// What a lane has to save since it last did: whether its cursor moved, and which exceptions changed. Pure.
struct UnsavedProgress {
    private var changes: [UInt64: DeliveryChange] = [:]
    private(set) var isDirty = false
    /// Whether events were passed over. That can wait: a crash only makes them be passed over again.
    private(set) var hasSkipped = false

    mutating func touch() { isDirty = true }
    mutating func skipped() { hasSkipped = true }

    /// The row of a delivery is to go.
    mutating func cleared(_ position: UInt64) {
        changes[position] = .cleared(position: position)
        isDirty = true
    }

    /// `end`: when it is given up.
    mutating func retrying(_ position: UInt64, _ delivery: UnfinishedDelivery, end: Int64) {
        var due = delivery.firstAttemptNanoseconds
        if case .waiting(let until) = delivery.state { due = min(until, end) }
        changes[position] = .retrying(
            RetryingDelivery(
                position: position, last: delivery.members.last ?? position, attempts: delivery.attempts,
                firstAttemptNanoseconds: delivery.firstAttemptNanoseconds, dueNanoseconds: due,
                replay: delivery.replay))
        isDirty = true
    }

    mutating func dead(_ events: ClosedRange<UInt64>, _ reason: String, attempts: Int, now: Int64) {
        changes[events.lowerBound] = .dead(
            DeadLetter(
                first: events.lowerBound, last: events.upperBound, reason: reason, attempts: attempts,
                diedAtNanoseconds: now))
        isDirty = true
    }

    /// The exceptions, by position; nothing is unsaved afterwards.
    mutating func take() -> [DeliveryChange] {
        defer {
            changes.removeAll(keepingCapacity: true)
            (isDirty, hasSkipped) = (false, false)
        }
        return changes.sorted { $0.key < $1.key }.map(\.value)
    }
}
