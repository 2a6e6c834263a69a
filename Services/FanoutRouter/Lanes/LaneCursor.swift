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
            /// Behind another event of its key.
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
    }

    /// The highest position taken or passed over.
    private(set) var taken: UInt64
    /// Events taken for the next batch, ascending.
    private(set) var gathered: [UInt64] = []
    /// Events that are in `unfinished` as further members of a batch.
    private var memberCount = 0
    private(set) var unfinished: [UInt64: Unfinished] = [:]
    /// Positions whose state is ready, in the order in which they became so.
    private var ready: [UInt64] = []
    /// Deliveries that wait, by when they are due; the first one is never out of date.
    private var due = DueQueue()
    private(set) var inFlight = 0
    /// How many of the unfinished deliveries are replays.
    private(set) var replayCount = 0
    private(set) var disabledReason: String?
    private(set) var isPaused: Bool
    private var changes: [UInt64: DeliveryChange] = [:]
    private(set) var isDirty = false
    /// Whether events were passed over since the last save. That can wait: a crash only makes them be passed over again.
    private(set) var hasSkipped = false
    /// Events that may be unfinished at once. What is beyond when it shrinks stays.
    var maxUnfinished: Int

    /// `inBatches`: what is unfinished and was never tried goes into new batches.
    init(_ saved: SavedLane, maxUnfinished: Int, inBatches: Bool = false) {
        self.maxUnfinished = maxUnfinished
        taken = saved.progress.taken
        disabledReason = saved.progress.disabledReason
        isPaused = saved.progress.isPaused
        var rest = Set(saved.progress.unfinished.filter { $0 <= saved.progress.taken })
        for retry in saved.retrying {
            // The ranges of batches do not overlap, so the range names the members.
            let members = rest.filter { $0 > retry.position && $0 <= retry.last }.sorted()
            rest.subtract(members)
            rest.remove(retry.position)
            memberCount += members.count
            unfinished[retry.position] = Unfinished(
                state: .waiting(due: retry.dueNanoseconds), attempts: retry.attempts,
                firstAttemptNanoseconds: retry.firstAttemptNanoseconds, isSaved: true, members: members,
                replay: retry.replay)
            due.add(retry.dueNanoseconds, retry.position)
            if retry.replay != nil { replayCount += 1 }
        }
        if inBatches {
            gathered = rest.sorted()
        } else {
            ready = rest.sorted()
            for position in ready { unfinished[position] = Unfinished(state: .ready) }
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
    var eventCount: Int { unfinished.count + memberCount + gathered.count }
    private(set) var heldCount = 0
    var retryingCount: Int { unfinished.count - inFlight - ready.count - heldCount }
    var hasReady: Bool { !ready.isEmpty }
    /// Whether the next ready delivery was attempted before; nil while none is ready.
    var nextReadyIsRetry: Bool? { ready.first.map { (unfinished[$0]?.attempts ?? 0) > 0 } }
    /// When the earliest waiting delivery is due.
    var nextDue: Int64? { due.first?.due }
    /// How many ready deliveries come before that one; nil where it is not ready.
    func readyAhead(of position: UInt64) -> Int? { ready.firstIndex(of: position) }

    /// When a delivery's first attempt began: nanoseconds since 1970.
    func firstAttempt(_ position: UInt64) -> Int64? { unfinished[position]?.firstAttemptNanoseconds }

    /// Passes over an event that does not match.
    mutating func skip(_ position: UInt64) {
        taken = max(taken, position)
        hasSkipped = true
    }

    /// Takes the event after `taken` for an attempt at once.
    mutating func take(_ position: UInt64, now: Int64) {
        precondition(position > taken, "a lane takes positions in order")
        taken = position
        unfinished[position] = Unfinished(state: .inFlight, attempts: 0, firstAttemptNanoseconds: now)
        inFlight += 1
        isDirty = true
    }

    /// Takes the event after `taken`, or a ready or waiting one, out of turn: another event of its key is unfinished.
    mutating func hold(_ position: UInt64) {
        guard var entry = unfinished[position] else {
            precondition(position > taken, "a lane takes positions in order")
            taken = position
            unfinished[position] = Unfinished(state: .held)
            heldCount += 1
            isDirty = true
            return
        }
        guard entry.state != .held, entry.state != .inFlight else { return }
        if entry.state == .ready { ready.removeAll { $0 == position } }
        entry.state = .held
        unfinished[position] = entry
        heldCount += 1
        dropOutdated()
    }

    /// The turn of a held event has come.
    mutating func release(_ position: UInt64) {
        guard unfinished[position]?.state == .held else { return }
        heldCount -= 1
        unfinished[position]?.state = .ready
        ready.append(position)
    }

    /// The turn of all held events has come: there is no order any more.
    mutating func releaseAll() {
        for position in unfinished.filter({ $0.value.state == .held }).keys.sorted() { release(position) }
    }

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
        memberCount += members.count - 1
        unfinished[members[0]] = Unfinished(
            state: .inFlight, firstAttemptNanoseconds: now, members: Array(members.dropFirst()))
        inFlight += 1
        return members[0]
    }

    /// Keeps the first `count` events of a batch that was not attempted yet; the others are gathered again.
    mutating func shorten(_ position: UInt64, to count: Int) {
        guard var entry = unfinished[position], entry.attempts == 0, count >= 1, count - 1 < entry.members.count else {
            return
        }
        let rest = entry.members[(count - 1)...]
        gathered.insert(contentsOf: rest, at: 0)
        memberCount -= rest.count
        entry.members.removeLast(rest.count)
        unfinished[position] = entry
    }

    /// Makes deliveries of their own of the events of a batch that is not under way; each goes on where the batch was.
    mutating func split(_ position: UInt64) {
        guard let batch = unfinished[position], !batch.members.isEmpty, batch.state != .inFlight else { return }
        memberCount -= batch.members.count
        for each in [position] + batch.members {
            var part = batch
            part.members = []
            part.alsoQueued = batch.alsoQueued.filter { $0 == each }
            unfinished[each] = part
            if batch.attempts > 0 { noteRetry(each) }
            guard each != position else { continue }
            switch batch.state {
            case .ready: ready.append(each)
            case .waiting(let due): self.due.add(due, each)
            case .held: heldCount += 1
            case .inFlight: break
            }
        }
        isDirty = true
    }

    /// The subscription changed between batches and single events. What was never tried follows; a batch that waits for
    /// its retry is split; what is under way ends as it began.
    mutating func regroup(inBatches: Bool) {
        releaseAll()
        guard inBatches else {
            let positions = gathered
            gathered = []
            for position in positions { unfinished[position] = Unfinished(state: .ready) }
            ready += positions
            for position in unfinished.keys.sorted() { split(position) }
            return
        }
        let fresh = unfinished.filter { _, entry in
            entry.state == .ready && entry.attempts == 0 && entry.replay == nil && entry.alsoQueued.isEmpty
                && entry.members.isEmpty
        }
        for position in fresh.keys { unfinished[position] = nil }
        ready.removeAll { fresh[$0] != nil }
        gathered = (gathered + fresh.keys).sorted()
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

    /// Takes up an event that a job queued, with its attempts counted anew. Its row stays until this delivery ends. An
    /// event that is on its way already is not sent twice.
    mutating func replay(_ position: UInt64, job: Int64) {
        guard position <= taken else { return }
        let holder =
            unfinished[position] != nil ? position : unfinished.first { $0.value.members.contains(position) }?.key
        if let holder {
            unfinished[holder]?.alsoQueued.append(position)
            return
        }
        gathered.removeAll { $0 == position }
        unfinished[position] = Unfinished(state: .ready, isSaved: true, replay: job)
        replayCount += 1
        ready.append(position)
    }

    /// A job was cancelled: what was not begun of it is let go. The log has dealt with the rows.
    mutating func dropReplays(of job: Int64) {
        let dropped = unfinished.filter { $0.value.replay == job && $0.value.state == .ready && $0.value.attempts == 0 }
        for position in dropped.keys { _ = end(position) }
    }

    /// Makes ready what is due.
    mutating func wake(now: Int64) {
        while let (time, position) = due.first, time <= now {
            due.removeFirst()
            guard unfinished[position]?.state == .waiting(due: time) else { continue }
            unfinished[position]?.state = .ready
            ready.append(position)
        }
        dropOutdated()
    }

    private mutating func dropOutdated() {
        while let (time, position) = due.first, unfinished[position]?.state != .waiting(due: time) { due.removeFirst() }
    }

    /// Notes a finished attempt. Returns the number of it.
    mutating func attempted(_ position: UInt64) -> Int {
        unfinished[position]?.attempts += 1
        return unfinished[position]?.attempts ?? 0
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

    mutating func retry(_ position: UInt64, due: Int64) {
        guard var entry = unfinished[position] else { return }
        if entry.state == .inFlight { inFlight -= 1 }
        entry.state = .waiting(due: due)
        unfinished[position] = entry
        self.due.add(due, position)
        noteRetry(position)
    }

    private mutating func noteRetry(_ position: UInt64) {
        guard let entry = unfinished[position] else { return }
        var due = entry.firstAttemptNanoseconds
        if case .waiting(let time) = entry.state { due = time }
        unfinished[position]?.isSaved = true
        changes[position] = .retrying(
            RetryingDelivery(
                position: position, last: entry.members.last ?? position, attempts: entry.attempts,
                firstAttemptNanoseconds: entry.firstAttemptNanoseconds, dueNanoseconds: due, replay: entry.replay))
        isDirty = true
    }

    /// Gives a delivery back whose attempt did not begin.
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
        guard let entry = unfinished.removeValue(forKey: position) else { return nil }
        memberCount -= entry.members.count
        if entry.replay != nil { replayCount -= 1 }
        switch entry.state {
        case .inFlight: inFlight -= 1
        case .ready: ready.removeAll { $0 == position }
        case .held: heldCount -= 1
        case .waiting: dropOutdated()
        }
        isDirty = true
        return entry
    }
}
