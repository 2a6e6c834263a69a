import EventLog

/// The bookkeeping of one subscription: what was taken, what is unfinished, what waits for when. Pure; the lane does
/// what it says. Times are nanoseconds of whatever clock the lane goes by.
struct LaneCursor {
    /// The highest position taken or passed over.
    private(set) var taken: UInt64
    /// Events taken for the next batch, ascending.
    private(set) var gathered: [UInt64] = []
    private var deliveries: UnfinishedDeliveries
    private(set) var disabledReason: String?
    private(set) var isPaused: Bool
    private var changes: [UInt64: DeliveryChange] = [:]
    private(set) var isDirty = false
    /// Whether events were passed over since the last save. That can wait: a crash only makes them be passed over again.
    private(set) var hasSkipped = false
    /// Events that may be unfinished at once. What is beyond when it shrinks stays.
    var maxUnfinished: Int

    /// `inBatches`: what is unfinished and was never tried goes into new batches.
    init(_ saved: SavedLane, maxUnfinished: Int, inBatches: Bool = false, deadlineNanoseconds: Int64? = nil) {
        self.maxUnfinished = maxUnfinished
        deliveries = UnfinishedDeliveries(deadlineNanoseconds: deadlineNanoseconds)
        taken = saved.progress.taken
        disabledReason = saved.progress.disabledReason
        isPaused = saved.progress.isPaused
        var rest = Set(saved.progress.unfinished.filter { $0 <= saved.progress.taken })
        for retry in saved.retrying {
            // The ranges of batches do not overlap, so the range names the members.
            let members = rest.filter { $0 > retry.position && $0 <= retry.last }.sorted()
            rest.subtract(members)
            rest.remove(retry.position)
            deliveries.add(
                retry.position,
                Unfinished(
                    state: .waiting(due: retry.dueNanoseconds), attempts: retry.attempts,
                    firstAttemptNanoseconds: retry.firstAttemptNanoseconds, isSaved: true, members: members,
                    replay: retry.replay))
        }
        if inBatches {
            gathered = rest.sorted()
        } else {
            for position in rest.sorted() { deliveries.add(position, Unfinished(state: .ready)) }
            for retry in saved.retrying { split(retry.position) }
        }
    }

    var isDisabled: Bool { disabledReason != nil }
    /// Whether the lane may read on.
    var hasRoom: Bool { eventCount < maxUnfinished && !isHalted }
    /// Whether nothing may start: the subscription keeps its place.
    var isHalted: Bool { isPaused || isDisabled }
    var room: Int { max(0, maxUnfinished - eventCount) }
    /// Events that were taken and are not finished.
    var eventCount: Int { deliveries.eventCount + gathered.count }
    var unfinished: [UInt64: Unfinished] { deliveries.all }
    var inFlight: Int { deliveries.inFlight }
    /// How many of the unfinished deliveries are replays.
    var replayCount: Int { deliveries.replayCount }
    var heldCount: Int { deliveries.heldCount }
    var retryingCount: Int { deliveries.waitingCount }
    /// Whether a delivery is ready that was attempted before, or one that never was.
    func hasReady(isRetry: Bool) -> Bool { deliveries.hasReady(isRetry: isRetry) }
    /// When the earliest waiting delivery is due.
    var nextDue: Int64? { deliveries.nextDue }
    /// When the next delivery that is ready for a retry is given up; nil where none ever is.
    var nextEnd: Int64? { deliveries.nextEnd }
    /// How many ready deliveries come before that one; nil where it is not ready.
    func readyAhead(of position: UInt64) -> Int? {
        gathered.firstIndex(of: position) ?? deliveries.readyAhead(of: position)
    }

    /// When a delivery's first attempt began.
    func firstAttempt(_ position: UInt64) -> Int64? { unfinished[position]?.firstAttemptNanoseconds }

    /// Passes over an event that does not match.
    mutating func skip(_ position: UInt64) {
        taken = max(taken, position)
        hasSkipped = true
    }

    // MARK: Taking

    /// Takes the event after `taken` for an attempt at once.
    mutating func take(_ position: UInt64, now: Int64) {
        precondition(position > taken, "a lane takes positions in order")
        taken = position
        deliveries.add(position, Unfinished(state: .inFlight, firstAttemptNanoseconds: now))
        isDirty = true
    }

    /// Takes the event after `taken` for an attempt at a later time.
    mutating func delay(_ position: UInt64, due: Int64) {
        precondition(position > taken, "a lane takes positions in order")
        taken = position
        deliveries.add(position, Unfinished(state: .waiting(due: due)))
        isDirty = true
    }

    /// Takes the event after `taken`, or a ready or waiting one, out of turn: another event of its key is unfinished.
    mutating func hold(_ position: UInt64) {
        guard let entry = unfinished[position] else {
            precondition(position > taken, "a lane takes positions in order")
            taken = position
            deliveries.add(position, Unfinished(state: .held))
            isDirty = true
            return
        }
        if entry.state != .inFlight { deliveries.move(position, to: .held) }
    }

    /// The turn of a held event has come.
    mutating func release(_ position: UInt64) {
        if deliveries[position]?.state == .held { deliveries.move(position, to: .ready) }
    }

    /// The turn of the first held delivery has come.
    mutating func releaseFirst() {
        if heldCount > 0, let first = deliveries.held.first { release(first) }
    }

    /// The turn of all held events has come: there is no order any more.
    mutating func releaseAll() {
        for position in deliveries.held { release(position) }
    }

    // MARK: Batches

    /// Takes the event after `taken` for the next batch.
    mutating func gather(_ position: UInt64) {
        precondition(position > taken, "a lane takes positions in order")
        taken = position
        gathered.append(position)
        isDirty = true
    }

    /// Makes a delivery, in flight, of the first `count` gathered events; there must be one at least. Returns its first
    /// position.
    mutating func sendGathered(_ count: Int, now: Int64) -> UInt64 {
        let members = Array(gathered.prefix(count))
        precondition(!members.isEmpty, "a batch has at least one event")
        gathered.removeFirst(members.count)
        deliveries.add(
            members[0],
            Unfinished(state: .inFlight, firstAttemptNanoseconds: now, members: Array(members.dropFirst())))
        return members[0]
    }

    /// Keeps the first `count` events of a batch that was not attempted yet; the others are gathered again.
    mutating func shorten(_ position: UInt64, to count: Int) {
        guard let entry = deliveries[position], entry.attempts == 0, count >= 1, count - 1 < entry.members.count else {
            return
        }
        gathered.insert(contentsOf: entry.members[(count - 1)...], at: 0)
        deliveries.change(position) { $0.members = Array(entry.members[..<(count - 1)]) }
    }

    /// Makes deliveries of their own of the events of a batch that is not under way; each goes on where the batch was.
    mutating func split(_ position: UInt64) {
        guard let batch = deliveries[position], batch.count > 1, batch.state != .inFlight else { return }
        deliveries.remove(position)
        for each in [position] + batch.members {
            var part = batch
            part.members = []
            part.alsoQueued = batch.alsoQueued.filter { $0 == each }
            deliveries.add(each, part)
            if batch.attempts > 0 { noteRetry(each) }
        }
        isDirty = true
    }

    /// Makes two deliveries of a batch under way whose subscriber finds it too large: other contents, so other names, and
    /// attempts that count anew. `inOrder`: the second waits for the end of the first. Returns what they go by.
    mutating func halve(_ position: UInt64, inOrder: Bool) -> [UInt64] {
        guard let batch = deliveries[position], batch.count > 1 else { return [] }
        deliveries.remove(position)
        // The row names the whole.
        if batch.isSaved { changes[position] = .cleared(position: position) }
        let events = [position] + batch.members
        let halves = [events[..<(events.count / 2)], events[(events.count / 2)...]]
        for (half, state) in zip(halves, [.ready, inOrder ? .held : .ready] as [Unfinished.State]) {
            deliveries.add(
                half[half.startIndex],
                Unfinished(
                    state: state, members: Array(half.dropFirst()),
                    alsoQueued: batch.alsoQueued.filter { half.contains($0) }))
        }
        isDirty = true
        return halves.map { $0[$0.startIndex] }
    }

    /// Retention dropped some events of a delivery under way. The others go on as a delivery that goes by the first of
    /// them; returns it, or nil where none is left.
    mutating func expire(_ missing: [UInt64], of position: UInt64, now: Int64) -> UInt64? {
        guard var entry = end(position) else { return nil }
        for each in missing {
            changes[each] = .dead(
                DeadLetter(
                    first: each, last: each, reason: "expired", attempts: entry.attempts, diedAtNanoseconds: now))
        }
        let rest = ([position] + entry.members).filter { !missing.contains($0) }
        guard let first = rest.first else { return nil }
        entry.members = Array(rest.dropFirst())
        entry.alsoQueued.removeAll { missing.contains($0) }
        deliveries.add(first, entry)
        if entry.attempts > 0 { noteRetry(first) }
        return first
    }

    /// The subscription changed between batches and single events. What was never tried follows; a batch that waits for
    /// its retry is split; what is under way ends as it began.
    mutating func regroup(inBatches: Bool) {
        releaseAll()
        guard inBatches else {
            let positions = gathered
            gathered = []
            for position in positions { deliveries.add(position, Unfinished(state: .ready)) }
            for position in unfinished.keys.sorted() { split(position) }
            return
        }
        let plain = deliveries.fresh.filter { position in
            deliveries[position].map { $0.replay == nil && $0.alsoQueued.isEmpty && $0.members.isEmpty } ?? false
        }
        for position in plain { deliveries.remove(position) }
        gathered = (gathered + plain).sorted()
    }

    /// How many events a delivery has.
    func count(of position: UInt64) -> Int { unfinished[position]?.count ?? 0 }

    /// The events that are unfinished and no replays, ascending.
    var ordinary: [UInt64] {
        unfinished.filter { $0.value.replay == nil }.flatMap { [$0.key] + $0.value.members }.sorted()
    }

    /// All events of a delivery.
    func positions(of position: UInt64) -> [UInt64] {
        [position] + (unfinished[position]?.members ?? [])
    }

    /// The delivery that an event is part of.
    func delivery(holding position: UInt64) -> Unfinished? {
        if let own = unfinished[position] { return own }
        if gathered.contains(position) { return Unfinished(state: .ready) }
        return unfinished.values.first { $0.members.contains(position) }
    }

    // MARK: Attempts

    /// The next ready delivery of those that were attempted before, or of the others; now in flight.
    mutating func takeReady(isRetry: Bool = false, now: Int64) -> UInt64? {
        guard let position = deliveries.firstReady(isRetry: isRetry) else { return nil }
        deliveries.move(position, to: .inFlight)
        if !isRetry { deliveries.change(position) { $0.firstAttemptNanoseconds = now } }
        return position
    }

    /// Takes up an event that a job queued, with its attempts counted anew. Its row stays until this delivery ends. An
    /// event that is on its way already is not sent twice.
    mutating func replay(_ position: UInt64, job: Int64) {
        guard position <= taken else { return }
        let holder =
            unfinished[position] != nil ? position : unfinished.first { $0.value.members.contains(position) }?.key
        if let holder {
            deliveries.change(holder) { $0.alsoQueued.append(position) }
            return
        }
        gathered.removeAll { $0 == position }
        deliveries.add(position, Unfinished(state: .ready, isSaved: true, replay: job))
    }

    /// A job was cancelled: what was not begun of it is let go. The log has dealt with the rows.
    mutating func dropReplays(of job: Int64) {
        let dropped = unfinished.filter { $0.value.replay == job && $0.value.state == .ready && $0.value.attempts == 0 }
        for position in dropped.keys { _ = end(position) }
    }

    /// Makes ready what is due.
    mutating func wake(now: Int64) {
        deliveries.wake(now: now)
    }

    /// Whether the deadline of a delivery passed.
    func isOverdue(_ position: UInt64, now: Int64) -> Bool {
        deliveries[position].map { deliveries.end(of: $0) <= now } ?? false
    }

    /// A delivery whose deadline passed before there was room for its next attempt.
    func overdue(now: Int64) -> UInt64? {
        nextEnd.flatMap { $0 <= now ? deliveries.firstReady(isRetry: true) : nil }
    }

    /// From now on deliveries are given up so long after their first attempt; nil: never.
    mutating func adopt(deadlineNanoseconds: Int64?) {
        deliveries.adopt(deadlineNanoseconds: deadlineNanoseconds)
    }

    /// The lane goes on after a halt, which does not count against deadlines.
    mutating func renewDeadlines(now: Int64) {
        guard deliveries.deadlineNanoseconds != nil else { return }
        for (position, entry) in unfinished where entry.attempts > 0 {
            deliveries.change(position) { $0.firstAttemptNanoseconds = now }
            if entry.state != .inFlight { noteRetry(position) }
        }
    }

    /// Notes a finished attempt. Returns the number of it.
    mutating func attempted(_ position: UInt64) -> Int {
        deliveries.change(position) { $0.attempts += 1 }
        return deliveries[position]?.attempts ?? 0
    }

    mutating func delivered(_ position: UInt64) {
        guard let entry = end(position) else { return }
        if entry.isSaved { changes[position] = .cleared(position: position) }
        for queued in entry.alsoQueued { changes[queued] = .cleared(position: queued) }
    }

    mutating func died(_ position: UInt64, reason: String, now: Int64) {
        guard let entry = end(position) else { return }
        for position in [position] + entry.members {
            changes[position] = .dead(
                DeadLetter(
                    first: position, last: position, reason: reason, attempts: entry.attempts, diedAtNanoseconds: now))
        }
    }

    /// Puts a delivery off, until it is given up at the latest.
    mutating func retry(_ position: UInt64, due: Int64) {
        deliveries.move(position, to: .waiting(due: due))
        noteRetry(position)
    }

    private mutating func noteRetry(_ position: UInt64) {
        guard let entry = unfinished[position] else { return }
        var due = entry.firstAttemptNanoseconds
        if case .waiting(let time) = entry.state { due = time }
        deliveries.change(position) { $0.isSaved = true }
        changes[position] = .retrying(
            RetryingDelivery(
                position: position, last: entry.members.last ?? position, attempts: entry.attempts,
                firstAttemptNanoseconds: entry.firstAttemptNanoseconds, dueNanoseconds: due, replay: entry.replay))
        isDirty = true
    }

    /// Gives a delivery back whose attempt did not begin.
    mutating func giveBack(_ position: UInt64) {
        if deliveries[position]?.state == .inFlight { deliveries.move(position, to: .ready, atFront: true) }
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

    mutating func pause() {
        isPaused = true
        isDirty = true
    }

    /// Neither paused nor disabled any more.
    mutating func resume() {
        isPaused = false
        disabledReason = nil
        isDirty = true
    }

    /// What is to be saved; nothing is dirty afterwards.
    mutating func takeProgress(_ subscription: String) -> LaneProgress {
        var progress = LaneProgress(
            subscription: subscription, taken: taken,
            unfinished: (ordinary + gathered).sorted(), disabledReason: disabledReason, isPaused: isPaused)
        progress.changes = changes.sorted { $0.key < $1.key }.map(\.value)
        changes.removeAll(keepingCapacity: true)
        (isDirty, hasSkipped) = (false, false)
        return progress
    }

    private mutating func end(_ position: UInt64) -> Unfinished? {
        guard let entry = deliveries.remove(position) else { return nil }
        isDirty = true
        return entry
    }
}
