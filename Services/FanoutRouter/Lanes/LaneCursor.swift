import EventLog

/// The bookkeeping of one subscription: what was taken, what is unfinished, what waits for when. Pure; the lane does
/// what it says.
struct LaneCursor {
    /// One delivery that was taken and is neither delivered nor dead.
    struct Unfinished {
        enum State: Equatable {
            /// To be attempted as soon as there is room.
            case ready
            /// An attempt is under way, or its body is being read.
            case inFlight
            /// The next attempt is due then: nanoseconds since 1970.
            case waiting(due: Int64)
        }

        var state: State
        var attempts = 0
        var firstAttemptNanoseconds: Int64 = 0
        /// Whether the exceptions table has a row that must go when this ends.
        var isSaved = false
    }

    /// The highest position taken or passed over.
    private(set) var taken: UInt64
    private(set) var unfinished: [UInt64: Unfinished] = [:]
    /// Positions whose state is ready, in the order in which they became so.
    private var ready: [UInt64] = []
    private(set) var inFlight = 0
    private(set) var disabledReason: String?
    private var changes: [UInt64: DeliveryChange] = [:]
    private(set) var isDirty = false
    let maxUnfinished: Int

    init(_ saved: SavedLane, maxUnfinished: Int) {
        self.maxUnfinished = maxUnfinished
        taken = saved.progress.taken
        disabledReason = saved.progress.disabledReason
        for position in saved.progress.unfinished where position <= taken {
            unfinished[position] = Unfinished(state: .ready)
        }
        for retry in saved.retrying {
            unfinished[retry.position] = Unfinished(
                state: .waiting(due: retry.dueNanoseconds), attempts: retry.attempts,
                firstAttemptNanoseconds: retry.firstAttemptNanoseconds, isSaved: true)
        }
        ready = unfinished.filter { $0.value.state == .ready }.keys.sorted()
    }

    var isDisabled: Bool { disabledReason != nil }
    /// Whether the lane may read on.
    var hasRoom: Bool { unfinished.count < maxUnfinished && disabledReason == nil }
    var room: Int { max(0, maxUnfinished - unfinished.count) }
    var retryingCount: Int { unfinished.count - inFlight - ready.count }
    var hasReady: Bool { !ready.isEmpty }
    /// When the earliest waiting delivery is due.
    var nextDue: Int64? {
        var earliest: Int64?
        for entry in unfinished.values {
            if case .waiting(let due) = entry.state { earliest = min(earliest ?? due, due) }
        }
        return earliest
    }

    /// Passes over an event that does not match.
    mutating func skip(_ position: UInt64) {
        taken = max(taken, position)
        isDirty = true
    }

    /// Takes the event after `taken` for an attempt at once.
    mutating func take(_ position: UInt64, now: Int64) {
        precondition(position > taken, "a lane takes positions in order")
        taken = position
        unfinished[position] = Unfinished(state: .inFlight, attempts: 0, firstAttemptNanoseconds: now)
        inFlight += 1
        isDirty = true
    }

    /// The next ready delivery, now in flight.
    mutating func takeReady(now: Int64) -> UInt64? {
        guard !ready.isEmpty else { return nil }
        let position = ready.removeFirst()
        guard var entry = unfinished[position] else { return takeReady(now: now) }
        entry.state = .inFlight
        if entry.attempts == 0 { entry.firstAttemptNanoseconds = now }
        unfinished[position] = entry
        inFlight += 1
        return position
    }

    /// Takes up a dead letter again.
    mutating func replay(_ position: UInt64) {
        guard unfinished[position] == nil, position <= taken else { return }
        unfinished[position] = Unfinished(state: .ready)
        ready.append(position)
        changes[position] = .cleared(position: position)
        isDirty = true
    }

    /// Makes ready what is due.
    mutating func wake(now: Int64) {
        let due = unfinished.compactMap { position, entry -> UInt64? in
            if case .waiting(let due) = entry.state, due <= now { position } else { nil }
        }
        for position in due.sorted() {
            unfinished[position]?.state = .ready
            ready.append(position)
        }
    }

    /// Notes a finished attempt. Returns the number of it.
    mutating func attempted(_ position: UInt64) -> Int {
        unfinished[position]?.attempts += 1
        return unfinished[position]?.attempts ?? 0
    }

    mutating func delivered(_ position: UInt64) {
        guard let entry = end(position) else { return }
        if entry.isSaved { changes[position] = .cleared(position: position) }
    }

    mutating func died(_ position: UInt64, reason: String, now: Int64) {
        guard let entry = end(position) else { return }
        changes[position] = .dead(
            DeadLetter(
                first: position, last: position, reason: reason, attempts: entry.attempts, diedAtNanoseconds: now))
    }

    mutating func retry(_ position: UInt64, due: Int64) {
        guard var entry = unfinished[position] else { return }
        if entry.state == .inFlight { inFlight -= 1 }
        entry.state = .waiting(due: due)
        entry.isSaved = true
        unfinished[position] = entry
        changes[position] = .retrying(
            RetryingDelivery(
                position: position, attempts: entry.attempts, firstAttemptNanoseconds: entry.firstAttemptNanoseconds,
                dueNanoseconds: due))
        isDirty = true
    }

    /// Gives a delivery back that was never attempted.
    mutating func giveBack(_ position: UInt64) {
        guard unfinished[position]?.state == .inFlight else { return }
        inFlight -= 1
        unfinished[position]?.state = .ready
        ready.insert(position, at: 0)
    }

    /// Retention overtook the cursor: everything up to `last` is gone.
    mutating func expire(through last: UInt64, now: Int64) {
        guard last > taken else { return }
        let first = taken + 1
        changes[first] = .dead(
            DeadLetter(first: first, last: last, reason: "expired", attempts: 0, diedAtNanoseconds: now))
        taken = last
        isDirty = true
    }

    mutating func disable(_ reason: String) {
        disabledReason = reason
        isDirty = true
    }

    mutating func enable() {
        disabledReason = nil
        isDirty = true
    }

    /// What is to be saved; nothing is dirty afterwards.
    mutating func takeProgress(_ subscription: String) -> LaneProgress {
        var progress = LaneProgress(
            subscription: subscription, taken: taken, unfinished: unfinished.keys.sorted(),
            disabledReason: disabledReason)
        progress.changes = changes.sorted { $0.key < $1.key }.map(\.value)
        changes.removeAll(keepingCapacity: true)
        isDirty = false
        return progress
    }

    private mutating func end(_ position: UInt64) -> Unfinished? {
        guard let entry = unfinished.removeValue(forKey: position) else { return nil }
        switch entry.state {
        case .inFlight: inFlight -= 1
        case .ready: ready.removeAll { $0 == position }
        case .waiting: break
        }
        isDirty = true
        return entry
    }
}
