import EventLog

/// The bookkeeping of one subscription: what was taken, what is unfinished, and what that waits for. Pure: the lane does
/// what is returned. Times are nanoseconds of whatever clock the lane goes by.
///
/// Calls that can't be meant, as an end of what is not under way, trap: the lane has lost count, and what it saved would
/// be wrong. Whatever can come late (an answer, keys that were read, the turn of a key, a replay of what is not there) is
/// a call that changes nothing.
struct LaneCursor {
    /// The highest position taken or passed over.
    private(set) var taken: UInt64
    private(set) var gathering = Gathering()
    private(set) var deliveries: UnfinishedDeliveries
    private(set) var mode: LaneSettings.Mode
    /// With `linesUp`, every unfinished event but replays; an operator asked for these at their time.
    private(set) var keys = KeyGate()
    /// Whether what was unfinished before order was asked for is in line; nothing starts before.
    private(set) var isLinedUp: Bool
    /// Counts changes of the order, so that keys read for a former one are not used.
    private var orderEpoch = 0
    private(set) var disabledReason: String?
    private(set) var isPaused: Bool
    /// Events that may be unfinished at once. What is beyond when it shrinks stays.
    private var maxUnfinished: Int
    private(set) var unsaved = UnsavedProgress()

    init(_ saved: SavedLane, maxUnfinished: Int, mode: LaneSettings.Mode = .init(), deadlineNanoseconds: Int64? = nil) {
        self.maxUnfinished = maxUnfinished
        self.mode = mode
        deliveries = UnfinishedDeliveries(deadlineNanoseconds: deadlineNanoseconds)
        taken = saved.progress.taken
        disabledReason = saved.progress.disabledReason
        isPaused = saved.progress.isPaused
        isLinedUp = true
        // What was never tried goes out as the mode says.
        gathering = Gathering(deliveries.restore(saved))
        regroup()
        holdBatches()
        isLinedUp = !mode.linesUp || deliveries.all.isEmpty
    }

    var isDisabled: Bool { disabledReason != nil }
    /// Whether nothing may start: the subscription keeps its place.
    var isHalted: Bool { isPaused || isDisabled }
    /// Whether the lane may read on.
    var hasRoom: Bool { room > 0 && !isHalted }
    var room: Int { max(0, maxUnfinished - eventCount) }
    /// Events that were taken and are not finished.
    var eventCount: Int { deliveries.eventCount + gathering.events.count }
    var inFlight: Int { deliveries.inFlight }
    /// Whether the next batch has to wait for the end of the last one. Replays wait for nothing and hold nothing up.
    var isBatchHeld: Bool { mode.keepsKeyOrder && deliveries.all.count > deliveries.replayCount }
    /// The events that are part of a delivery and no replays, ascending.
    private var ordinary: [UInt64] {
        deliveries.all.filter { $0.value.replay == nil }.flatMap { [$0.key] + $0.value.members }.sorted()
    }
    /// The first event that was taken and is not finished; replays are extra.
    var oldest: UInt64? {
        [deliveries.all.lazy.filter { $0.value.replay == nil }.map(\.key).min(), gathering.events.first]
            .compactMap { $0 }.min()
    }

    /// How many ready deliveries come before that one; nil where it is not ready.
    func readyAhead(of position: UInt64) -> Int? {
        gathering.events.firstIndex(of: position) ?? deliveries.readyAhead(of: position)
    }

    /// All events of a delivery.
    func positions(of position: UInt64) -> [UInt64] { [position] + (deliveries[position]?.members ?? []) }

    /// The delivery that an event is part of; nil where it is part of none.
    func delivery(holding position: UInt64) -> UnfinishedDelivery? {
        if gathering.events.contains(position) { return UnfinishedDelivery(state: .ready) }
        return deliveries.holder(of: position).flatMap { deliveries[$0] }
    }

    // MARK: Taking

    /// Passes over events that do not match.
    mutating func skip(through position: UInt64) {
        taken = max(taken, position)
        unsaved.skipped()
    }

    /// Takes the event after `taken` for a delivery of its own. `key`: with `linesUp`. Returns whether it is to be
    /// attempted at once; otherwise it waits for its first attempt, or for its turn.
    mutating func take(_ position: UInt64, key: [UInt8]? = nil, firstWait: Int64 = 0, now: Int64) -> Bool {
        advance(to: position)
        if let key, !keys.enter(position, key: key) {
            deliveries.add(position, UnfinishedDelivery(state: .held))
            return false
        }
        let state = firstWait == 0 ? UnfinishedDelivery.State.inFlight : .waiting(until: now + firstWait)
        deliveries.add(position, UnfinishedDelivery(state: state, firstAttemptNanoseconds: now))
        return firstWait == 0
    }

    /// Takes the event after `taken` for the next batch.
    mutating func gather(_ position: UInt64, bytes: Int = 0, now: Int64) {
        advance(to: position)
        gathering.add(position, bytes: bytes, now: now)
    }

    /// Begins the wait for a batch where there is something to wait for.
    mutating func beginGathering(now: Int64) { gathering.begin(now: now) }

    private mutating func advance(to position: UInt64) {
        precondition(position > taken, "a lane takes positions in order")
        taken = position
        unsaved.touch()
    }

    /// Retention overtook the cursor: everything up to `last` is gone.
    mutating func expire(through last: UInt64, now: Int64) {
        let first = taken + 1
        advance(to: last)
        unsaved.dead(first...last, "expired", attempts: 0, now: now)
    }

    /// Takes up an event that a job queued, with its attempts counted anew. Its row stays until this delivery ends. An
    /// event that is on its way already is not sent twice; one that was not taken yet will be sent anyhow.
    mutating func replay(_ position: UInt64, job: Int64) {
        guard position <= taken else { return }
        if let holder = deliveries.holder(of: position) {
            return deliveries.change(holder) { $0.alsoQueued.append(position) }
        }
        gathering.remove(position)
        deliveries.add(position, UnfinishedDelivery(state: .ready, isSaved: true, replay: job))
    }

    /// A job was cancelled: what was not begun of it is let go. The log has dealt with the rows.
    mutating func dropReplays(of job: Int64) {
        for (position, delivery) in deliveries.all
        where delivery.replay == job && delivery.state == .ready && delivery.attempts == 0 {
            deliveries.remove(position)
            unsaved.touch()
        }
    }

    // MARK: Starting

    mutating func wake(now: Int64) { deliveries.wake(now: now) }

    /// Starts the next ready delivery of those that were attempted before, or of the others; nil where there is none.
    mutating func start(isRetry: Bool = false, now: Int64) -> UInt64? {
        guard let position = deliveries.firstReady(isRetry: isRetry) else { return nil }
        deliveries.take(.start, position) { if !isRetry { $0.firstAttemptNanoseconds = now } }
        return position
    }

    /// Makes a delivery, in flight, of the first gathered events; there must be one at least.
    mutating func startBatch(_ count: Int, now: Int64) -> UInt64 {
        let events = gathering.take(count, now: now)
        precondition(!events.isEmpty, "a batch has at least one event")
        deliveries.add(
            events[0],
            UnfinishedDelivery(state: .inFlight, firstAttemptNanoseconds: now, members: Array(events.dropFirst())))
        return events[0]
    }

    /// Keeps the first events of a batch that is under way and was never attempted; the others go out after it.
    mutating func shorten(_ position: UInt64, to count: Int) {
        let batch = underWay(position)
        precondition(batch.attempts == 0 && 1..<batch.count ~= count, "only a new batch may become shorter")
        deliveries.change(position) { $0.members = Array(batch.members[..<(count - 1)]) }
        if batch.isSaved { noteRetry(position) }
        gathering.putBack(batch.members[(count - 1)...])
        // Batches may have been given up while this one was read.
        if !mode.inBatches { regroup() }
    }

    /// A delivery whose deadline passed before there was room for its next attempt.
    func overdue(now: Int64) -> UInt64? {
        deliveries.nextEnd.flatMap { $0 <= now ? deliveries.firstReady(isRetry: true) : nil }
    }

    // MARK: What is under way

    /// The delivery there, which has to be under way.
    func underWay(_ position: UInt64) -> UnfinishedDelivery {
        guard let delivery = deliveries[position], delivery.state == .inFlight else {
            preconditionFailure("no attempt is under way at position \(position)")
        }
        return delivery
    }

    /// An attempt came to its end, well or not: counts it. Nil where that attempt is not under way: an answer that comes
    /// a second time, or for what ended otherwise, changes nothing.
    mutating func attemptEnded(_ position: UInt64, number: Int) -> UnfinishedDelivery? {
        guard let delivery = deliveries[position], delivery.state == .inFlight, delivery.attempts + 1 == number else {
            return nil
        }
        deliveries.change(position) { $0.attempts = number }
        return deliveries[position]
    }

    /// Gives a delivery back whose attempt did not begin.
    mutating func giveBack(_ position: UInt64) {
        deliveries.take(.giveBack, position)
        separate(position)
        holdBatches()
    }

    /// Puts a delivery off, until it is given up at the latest.
    mutating func retry(_ position: UInt64, due: Int64) {
        deliveries.take(.putOff(until: due), position)
        noteRetry(position)
        separate(position)
        holdBatches()
    }

    mutating func delivered(_ position: UInt64) {
        let delivery = end(position)
        if delivery.isSaved { unsaved.cleared(position) }
        for queued in delivery.alsoQueued { unsaved.cleared(queued) }
    }

    /// Gives up a delivery that is under way, or ready and over its time.
    mutating func died(_ position: UInt64, reason: String, now: Int64) {
        let delivery = end(position)
        for each in [position] + delivery.members {
            unsaved.dead(each...each, reason, attempts: delivery.attempts, now: now)
        }
    }

    /// Retention dropped events of a delivery under way. Returns what the others go by; nil where none is left, and that
    /// was its end.
    mutating func expire(_ missing: [UInt64], of position: UInt64, now: Int64) -> UInt64? {
        var delivery = underWay(position)
        let rest = positions(of: position).filter { !missing.contains($0) }
        guard let first = rest.first else {
            died(position, reason: "expired", now: now)
            return nil
        }
        deliveries.remove(position)
        for each in missing { unsaved.dead(each...each, "expired", attempts: delivery.attempts, now: now) }
        delivery.members = Array(rest.dropFirst())
        delivery.alsoQueued.removeAll { missing.contains($0) }
        deliveries.add(first, delivery)
        if delivery.isSaved { noteRetry(first) }
        leaveKeys(missing)
        return first
    }

    /// Makes two deliveries of a batch under way whose subscriber finds it too large: other contents, so other names, and
    /// attempts that count anew.
    mutating func halve(_ position: UInt64) {
        let batch = underWay(position)
        precondition(batch.count > 1, "one event has no halves")
        deliveries.remove(position)
        unsaved.touch()
        // The row names the whole.
        if batch.isSaved { unsaved.cleared(position) }
        let events = [position] + batch.members
        let halves = [events[..<(events.count / 2)], events[(events.count / 2)...]]
        for half in halves {
            deliveries.add(
                half[half.startIndex],
                UnfinishedDelivery(
                    state: .ready, members: Array(half.dropFirst()),
                    alsoQueued: batch.alsoQueued.filter { half.contains($0) }))
        }
        for half in halves { separate(half[half.startIndex]) }
        holdBatches()
    }

    private mutating func end(_ position: UInt64) -> UnfinishedDelivery {
        let delivery = deliveries.remove(position)
        precondition(delivery.mayEnd, "a delivery that is \(delivery.state) can't end")
        unsaved.touch()
        if !keys.isEmpty { leaveKeys([position] + delivery.members) }
        holdBatches()
        return delivery
    }

    /// Batches keep the order by going out one at a time. Where several deliveries are unfinished all the same, as the
    /// halves of a batch or what was begun one by one, the first is next and the others are held.
    private mutating func holdBatches() {
        guard mode.inBatches, mode.keepsKeyOrder else { return }
        let ordinary = deliveries.all.count - deliveries.replayCount
        guard ordinary > 1 || deliveries.heldCount > 0 else { return }
        let idle = deliveries.all.filter { $0.value.replay == nil && $0.value.state != .inFlight }
        let next = idle.count == ordinary ? idle.keys.min() : nil
        for (position, delivery) in idle where (delivery.state == .held) == (position == next) {
            deliveries.take(position == next ? .release : .hold, position)
        }
    }

    /// What waited for these events has its turn.
    private mutating func leaveKeys(_ positions: [UInt64]) {
        for position in positions {
            if let next = keys.leave(position), deliveries[next] != nil { deliveries.take(.release, next) }
        }
    }

    /// Where events go out one by one, makes deliveries of their own of the events of a batch that is not under way; each
    /// goes on where the batch was, or waits for its turn.
    private mutating func separate(_ position: UInt64) {
        guard !mode.inBatches, let batch = deliveries[position], batch.state != .inFlight else { return }
        let events = [position] + batch.members
        if events.count > 1 {
            deliveries.remove(position)
            for each in events {
                var part = batch
                part.members = []
                part.alsoQueued = batch.alsoQueued.filter { $0 == each }
                deliveries.add(each, part)
                if batch.isSaved { noteRetry(each) }
            }
            unsaved.touch()
        }
        for each in events where !keys.mayGo(each) { deliveries.take(.hold, each) }
    }

    // MARK: Changes of the subscription

    /// What was never tried follows; a batch that waits for its retry is split; what is under way ends as it began.
    mutating func reconfigure(_ mode: LaneSettings.Mode, maxUnfinished: Int, deadlineNanoseconds: Int64?) {
        self.maxUnfinished = maxUnfinished
        deliveries.adopt(deadlineNanoseconds: deadlineNanoseconds)
        let former = self.mode
        self.mode = mode
        guard former != mode else { return }
        orderEpoch += 1
        keys = KeyGate()
        for position in deliveries.held { deliveries.take(.release, position) }
        if former.inBatches != mode.inBatches { regroup() }
        holdBatches()
        isLinedUp = !mode.linesUp || deliveries.all.isEmpty
    }

    /// Brings what was never tried into the form that the mode says.
    private mutating func regroup() {
        if mode.inBatches {
            let plain = deliveries.all.filter {
                $0.value.state == .ready && $0.value.attempts == 0 && $0.value.count == 1 && !$0.value.isSaved
                    && $0.value.alsoQueued.isEmpty
            }
            for position in plain.keys { deliveries.remove(position) }
            gathering = Gathering((gathering.events + plain.keys).sorted())
        } else {
            let single = gathering.events
            gathering = Gathering()
            for position in single { deliveries.add(position, UnfinishedDelivery(state: .ready)) }
            for position in deliveries.all.keys.sorted() { separate(position) }
        }
    }

    /// The events whose keys are to be read before anything starts, and what they are read for.
    var unlined: (positions: [UInt64], epoch: Int) { (ordinary, orderEpoch) }

    /// Puts what is unfinished in line by its keys, in log order. What is under way already stays so: order is kept from
    /// here on. Keys that were read for a former order are not used.
    mutating func lineUp(_ positions: [UInt64], keys found: [[UInt8]], epoch: Int) {
        guard epoch == orderEpoch, !isLinedUp else { return }
        let unfinished = Set(ordinary)
        for (position, key) in zip(positions, found) where unfinished.contains(position) {
            if !keys.enter(position, key: key), deliveries[position] != nil { deliveries.take(.hold, position) }
        }
        isLinedUp = true
    }

    mutating func disable(_ reason: String) {
        disabledReason = reason
        unsaved.touch()
    }

    mutating func pause() {
        isPaused = true
        unsaved.touch()
    }

    /// Neither paused nor disabled any more. The halt does not count against deadlines.
    mutating func resume(now: Int64) {
        (isPaused, disabledReason) = (false, nil)
        unsaved.touch()
        guard deliveries.deadlineNanoseconds != nil else { return }
        for (position, delivery) in deliveries.all where delivery.attempts > 0 {
            deliveries.change(position) { $0.firstAttemptNanoseconds = now }
            if delivery.state != .inFlight { noteRetry(position) }
        }
    }

    private mutating func noteRetry(_ position: UInt64) {
        deliveries.change(position) { $0.isSaved = true }
        if let delivery = deliveries[position] {
            unsaved.retrying(position, delivery, end: deliveries.end(of: delivery))
        }
    }

    /// What is to be saved; nothing is dirty afterwards.
    mutating func takeProgress(_ subscription: String) -> LaneProgress {
        var progress = LaneProgress(
            subscription: subscription, taken: taken,
            unfinished: (ordinary + gathering.events).sorted(), disabledReason: disabledReason, isPaused: isPaused)
        progress.changes = unsaved.take()
        return progress
    }
}
