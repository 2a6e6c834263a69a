import DequeModule
import EventLog

/// All unfinished deliveries of a lane, and who is next. Counts and queues are derived of the deliveries by `index`,
/// which every change passes. Pure.
struct UnfinishedDeliveries {
    private(set) var all: [UInt64: UnfinishedDelivery] = [:]
    /// Ready and never attempted, in the order in which they became so.
    private var untried: Deque<UInt64> = []
    /// Ready and attempted before, by when they are given up: what has the least time left goes first.
    private var tried = DueQueue()
    /// Those that wait, by when they are due, and held ones, by when they are given up.
    private var due = DueQueue()
    private(set) var eventCount = 0
    private(set) var inFlight = 0
    private(set) var waitingCount = 0
    private(set) var heldCount = 0
    private(set) var replayCount = 0
    /// How long after its first attempt a delivery is given up; nil: never.
    private(set) var deadlineNanoseconds: Int64?

    init(deadlineNanoseconds: Int64?) {
        self.deadlineNanoseconds = deadlineNanoseconds
    }

    subscript(position: UInt64) -> UnfinishedDelivery? { all[position] }

    var nextDue: Int64? { due.first?.due }
    /// When the next delivery that is ready for a retry is given up; nil where none ever is.
    var nextEnd: Int64? { tried.first.flatMap { $0.due == .max ? nil : $0.due } }
    /// Those that wait for another one, ascending.
    var held: [UInt64] { heldCount == 0 ? [] : all.filter { $0.value.state == .held }.keys.sorted() }

    func hasReady(isRetry: Bool) -> Bool { isRetry ? !tried.isEmpty : !untried.isEmpty }
    func firstReady(isRetry: Bool) -> UInt64? { isRetry ? tried.first?.position : untried.first }

    /// How many ready ones come before that one; nil where it is not ready.
    func readyAhead(of position: UInt64) -> Int? {
        guard let delivery = all[position], delivery.state == .ready else { return nil }
        guard delivery.attempts > 0 else { return untried.firstIndex(of: position).map { $0 + tried.count } }
        let place = (end(of: delivery), position)
        return all.count { $0.value.state == .ready && $0.value.attempts > 0 && (end(of: $0.value), $0.key) < place }
    }

    /// When a delivery is given up.
    func end(of delivery: UnfinishedDelivery) -> Int64 {
        delivery.end(deadlineNanoseconds: deadlineNanoseconds)
    }

    /// What the delivery goes by that an event is part of.
    func holder(of position: UInt64) -> UInt64? {
        if all[position] != nil { return position }
        return all.first { $0.value.members.contains(position) }?.key
    }

    /// Takes up what was saved of retries. Returns the other unfinished events, ascending: they were never tried.
    mutating func restore(_ saved: SavedLane) -> [UInt64] {
        let taken = saved.progress.taken
        var rest = Set(saved.progress.unfinished.filter { $0 <= taken })
        var known: Set<UInt64> = []
        for retry in saved.retrying where retry.position <= taken {
            guard known.insert(retry.position).inserted else {
                // The range of a batch was saved before it became shorter: the row goes with whatever has the event.
                if let holder = holder(of: retry.position) { change(holder) { $0.alsoQueued.append(retry.position) } }
                continue
            }
            // The range of a batch names its members.
            let members = rest.filter { $0 > retry.position && $0 <= retry.last }.sorted()
            known.formUnion(members)
            rest.subtract(members)
            rest.remove(retry.position)
            add(
                retry.position,
                UnfinishedDelivery(
                    state: .waiting(until: retry.dueNanoseconds), attempts: retry.attempts,
                    firstAttemptNanoseconds: retry.firstAttemptNanoseconds, isSaved: true, members: members,
                    replay: retry.replay))
        }
        return rest.sorted()
    }

    mutating func add(_ position: UInt64, _ delivery: UnfinishedDelivery) {
        let former = all.updateValue(delivery, forKey: position)
        precondition(former == nil, "an event is in one delivery")
        index(delivery, at: position, isThere: true)
    }

    @discardableResult
    mutating func remove(_ position: UInt64) -> UnfinishedDelivery {
        guard let delivery = all.removeValue(forKey: position) else {
            preconditionFailure("no delivery goes by position \(position)")
        }
        index(delivery, at: position, isThere: false)
        return delivery
    }

    /// Takes a step, and changes what belongs to it. What is given back is the next of those never attempted.
    mutating func take(
        _ step: UnfinishedDelivery.Step, _ position: UInt64, _ change: (inout UnfinishedDelivery) -> Void = { _ in }
    ) {
        guard var delivery = all[position] else { preconditionFailure("no delivery goes by position \(position)") }
        index(delivery, at: position, isThere: false)
        delivery.take(step)
        change(&delivery)
        all[position] = delivery
        index(delivery, at: position, isThere: true, isNext: step == .giveBack)
    }

    /// Changes what is no part of its state.
    mutating func change(_ position: UInt64, _ body: (inout UnfinishedDelivery) -> Void) {
        guard let former = all[position] else { preconditionFailure("no delivery goes by position \(position)") }
        var delivery = former
        body(&delivery)
        all[position] = delivery
        // Its place among those that were never attempted stays.
        if former.state == .ready, former.attempts == 0 { return eventCount += delivery.count - former.count }
        index(former, at: position, isThere: false)
        index(delivery, at: position, isThere: true)
    }

    /// Makes ready what is due, to be attempted or given up.
    mutating func wake(now: Int64) {
        while let (time, position) = due.first, time <= now { take(.wake, position) }
    }

    /// Deliveries are given up so long after their first attempt; nil: never.
    mutating func adopt(deadlineNanoseconds: Int64?) {
        guard deadlineNanoseconds != self.deadlineNanoseconds else { return }
        self.deadlineNanoseconds = deadlineNanoseconds
        for (position, delivery) in all where delivery.attempts > 0 {
            index(delivery, at: position, isThere: false)
            index(delivery, at: position, isThere: true)
        }
    }

    /// Puts a delivery into all that is derived of it, or takes it out. `isNext`: before those that were never attempted.
    private mutating func index(
        _ delivery: UnfinishedDelivery, at position: UInt64, isThere: Bool, isNext: Bool = false
    ) {
        let one = isThere ? 1 : -1
        eventCount += one * delivery.count
        if delivery.replay != nil { replayCount += one }
        switch delivery.state {
        case .ready where delivery.attempts > 0: tried.set(position, isThere ? end(of: delivery) : nil)
        case .ready where !isThere:
            if untried.first == position { untried.removeFirst() } else { untried.removeAll { $0 == position } }
        case .ready where isNext: untried.prepend(position)
        case .ready: untried.append(position)
        case .inFlight: inFlight += one
        case .waiting(let until):
            // Nothing waits longer than until it is given up.
            due.set(position, isThere ? min(until, end(of: delivery)) : nil)
            waitingCount += one
        case .held:
            due.set(position, isThere && end(of: delivery) < .max ? end(of: delivery) : nil)
            heldCount += one
        }
    }
}
