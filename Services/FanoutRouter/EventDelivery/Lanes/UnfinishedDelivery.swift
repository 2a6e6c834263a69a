/// A delivery that was taken and is neither delivered nor given up; it goes by the position of its first event. Pure.
///
///     ready ──start──> in flight ──put off──> waiting ──wake──> ready
///       ^ └───hold───> held <────────hold────────┘
///       └── release or wake ─┘
///
/// It ends from `inFlight`, by what an attempt came to, or from `ready`, where its deadline passed or a replay is
/// cancelled. Times are nanoseconds of the lane's clock.
struct UnfinishedDelivery: Equatable, Sendable {
    enum State: Equatable, Sendable {
        /// To be attempted as soon as there is room.
        case ready
        /// An attempt is under way, or the body for one is being read.
        case inFlight
        /// The next attempt is due then.
        case waiting(until: Int64)
        /// Behind another event of its key, or behind the half of a batch that comes first.
        case held
    }

    enum Step: Equatable, Sendable {
        case start
        /// The attempt failed, or its body could not be read.
        case putOff(until: Int64)
        /// The attempt did not begin.
        case giveBack
        /// Due, to be attempted or given up.
        case wake
        /// Another event of its key comes first.
        case hold
        /// Nothing comes before it any more.
        case release
    }

    private(set) var state: State
    /// Attempts that ended.
    var attempts = 0
    var firstAttemptNanoseconds: Int64 = 0
    /// Whether the exceptions table has a row that must go when this ends.
    var isSaved = false
    /// The further events of a batch, ascending.
    var members: [UInt64] = []
    /// The replay job that this delivery was made for. It is not saved as unfinished: its row is its mark.
    var replay: Int64?
    /// Events of this delivery that were queued for replay while they were in it: their rows go with it.
    var alsoQueued: [UInt64] = []

    /// Events of it.
    var count: Int { members.count + 1 }
    /// Whether it may end.
    var mayEnd: Bool { state == .inFlight || state == .ready }

    /// When it is given up: never before its first attempt ended.
    func end(deadlineNanoseconds: Int64?) -> Int64 {
        attempts > 0 ? RetryPolicy.end(firstAttemptNanoseconds, deadlineNanoseconds) : .max
    }

    /// Traps where the step is impossible.
    mutating func take(_ step: Step) {
        guard let next = state.after(step) else { preconditionFailure("a delivery that is \(state) can't \(step)") }
        state = next
    }
}

extension UnfinishedDelivery.State {
    /// Where a step leads; nil where it is impossible, so that whoever takes it has lost track.
    func after(_ step: UnfinishedDelivery.Step) -> Self? {
        switch (self, step) {
        case (.ready, .start): .inFlight
        case (.inFlight, .putOff(let due)): .waiting(until: due)
        case (.inFlight, .giveBack), (.waiting, .wake), (.held, .wake), (.held, .release): .ready
        case (.ready, .hold), (.waiting, .hold), (.held, .hold): .held
        // Under way since before order was asked for: it ends as it began.
        case (.inFlight, .hold): .inFlight
        // Its turn comes to what does not wait for it: it was under way before, or waits for a retry.
        case (.ready, .release), (.inFlight, .release), (.waiting, .release): self
        default: nil
        }
    }
}
