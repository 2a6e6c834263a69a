/// The deliveries of a lane that were taken and are neither delivered nor dead: their states, and who is next. Pure.
struct UnfinishedDeliveries {
    typealias Delivery = LaneCursor.Unfinished

    private(set) var all: [UInt64: Delivery] = [:]
    /// Ready and never attempted, in the order in which they became so.
    private(set) var fresh: [UInt64] = []
    /// Ready and attempted before, by when they are given up: what has the least time left goes first.
    private var again = DueQueue()
    /// Those that wait, by when they are due, and held ones, by when they are given up.
    private var due = DueQueue()
    private(set) var inFlight = 0
    private(set) var waitingCount = 0
    private(set) var heldCount = 0
    private(set) var replayCount = 0
    /// Events that are further members of a batch.
    private var memberCount = 0
    /// How long after its first attempt a delivery is given up; nil: never.
    private(set) var deadlineNanoseconds: Int64?

    init(deadlineNanoseconds: Int64?) {
        self.deadlineNanoseconds = deadlineNanoseconds
    }

    subscript(position: UInt64) -> Delivery? { all[position] }

    var eventCount: Int { all.count + memberCount }
    var nextDue: Int64? { due.first?.due }
    var nextEnd: Int64? { again.first.flatMap { $0.due == .max ? nil : $0.due } }
    /// Those that wait for another one, ascending.
    var held: [UInt64] { all.compactMap { $0.value.state == .held ? $0.key : nil }.sorted() }

    func hasReady(isRetry: Bool) -> Bool { isRetry ? !again.isEmpty : !fresh.isEmpty }
    func firstReady(isRetry: Bool) -> UInt64? { isRetry ? again.first?.position : fresh.first }

    /// How many ready ones come before that one; nil where it is not ready.
    func readyAhead(of position: UInt64) -> Int? {
        guard let delivery = all[position], delivery.state == .ready else { return nil }
        guard delivery.attempts > 0 else { return fresh.firstIndex(of: position).map { $0 + again.count } }
        let place = (end(of: delivery), position)
        return all.count { $0.value.state == .ready && $0.value.attempts > 0 && (end(of: $0.value), $0.key) < place }
    }

    /// Adds a delivery in the state that it says.
    mutating func add(_ position: UInt64, _ delivery: Delivery) {
        all[position] = delivery
        memberCount += delivery.members.count
        if delivery.replay != nil { replayCount += 1 }
        enter(position)
    }

    @discardableResult
    mutating func remove(_ position: UInt64) -> Delivery? {
        leave(position)
        guard let delivery = all.removeValue(forKey: position) else { return nil }
        memberCount -= delivery.members.count
        if delivery.replay != nil { replayCount -= 1 }
        return delivery
    }

    /// Brings a delivery into another state. `atFront`: the next of those that were never attempted.
    mutating func move(_ position: UInt64, to state: Delivery.State, atFront: Bool = false) {
        leave(position)
        all[position]?.state = state
        enter(position, atFront: atFront)
    }

    /// Changes anything but the state.
    mutating func change(_ position: UInt64, _ body: (inout Delivery) -> Void) {
        guard var delivery = all[position] else { return }
        // Its place among those that were never attempted stays.
        let moves = delivery.state != .ready || delivery.attempts > 0
        if moves { leave(position) }
        memberCount -= delivery.members.count
        body(&delivery)
        memberCount += delivery.members.count
        all[position] = delivery
        if moves { enter(position) }
    }

    /// Makes ready what is due, to be attempted or given up.
    mutating func wake(now: Int64) {
        while let (time, position) = due.first, time <= now { move(position, to: .ready) }
    }

    /// Deliveries are given up so long after their first attempt; nil: never.
    mutating func adopt(deadlineNanoseconds: Int64?) {
        guard deadlineNanoseconds != self.deadlineNanoseconds else { return }
        self.deadlineNanoseconds = deadlineNanoseconds
        for (position, delivery) in all where delivery.attempts > 0 { move(position, to: delivery.state) }
    }

    private mutating func enter(_ position: UInt64, atFront: Bool = false) {
        guard let delivery = all[position] else { return }
        switch delivery.state {
        case .ready where delivery.attempts > 0: again.add(end(of: delivery), position)
        case .ready where atFront: fresh.insert(position, at: 0)
        case .ready: fresh.append(position)
        case .inFlight: inFlight += 1
        case .waiting(let due):
            // Nothing waits longer than until it is given up.
            let due = min(due, end(of: delivery))
            all[position]?.state = .waiting(due: due)
            self.due.add(due, position)
            waitingCount += 1
        case .held:
            heldCount += 1
            if end(of: delivery) < .max { due.add(end(of: delivery), position) }
        }
    }

    private mutating func leave(_ position: UInt64) {
        guard let delivery = all[position] else { return }
        switch delivery.state {
        case .ready where delivery.attempts > 0: again.remove(position)
        case .ready:
            if fresh.first == position { fresh.removeFirst() } else { fresh.removeAll { $0 == position } }
        case .inFlight: inFlight -= 1
        case .waiting:
            due.remove(position)
            waitingCount -= 1
        case .held:
            heldCount -= 1
            due.remove(position)
        }
    }

    /// When a delivery is given up, which is never before its first attempt.
    func end(of delivery: Delivery) -> Int64 {
        delivery.end(deadlineNanoseconds: deadlineNanoseconds)
    }
}

extension LaneCursor {
    /// One of these deliveries.
    struct Unfinished {
        enum State: Equatable {
            /// To be attempted as soon as there is room.
            case ready
            /// An attempt is under way, or its body is being read.
            case inFlight
            /// The next attempt is due then, by the clock of the lane.
            case waiting(due: Int64)
            /// Behind another event of its key, or behind the half of a batch that comes first.
            case held
        }

        var state: State
        var attempts = 0
        var firstAttemptNanoseconds: Int64 = 0
        /// Whether the exceptions table has a row that must go when this ends.
        var isSaved = false
        /// The further events of a batch, ascending; a delivery goes by the position of its first.
        var members: [UInt64] = []
        /// The replay job that this delivery was made for. It is not saved as unfinished: its row is its mark.
        var replay: Int64?
        /// Events of this delivery that were queued for replay while they were in it: their rows go with it.
        var alsoQueued: [UInt64] = []

        var count: Int { members.count + 1 }

        /// When it is given up, which is never before its first attempt.
        func end(deadlineNanoseconds: Int64?) -> Int64 {
            attempts > 0 ? RetryPolicy.end(firstAttemptNanoseconds, deadlineNanoseconds) : .max
        }
    }
}
