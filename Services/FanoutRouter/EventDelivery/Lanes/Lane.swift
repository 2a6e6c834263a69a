package import EventLog
import Events
import NIOCore
import PipelineConfiguration
import Primitives
import StageMetrics

/// One subscription at work: takes matching events in log order, sends them with bounded concurrency, tries again what
/// failed. Step 7, the last of the way.
///
/// Confined to the event loop of the lanes. What it holds is bounded: `concurrency` bodies, `max_unfinished` numbers,
/// and one chunk of the log while it lags. `LaneCursor` knows what becomes of every event, `LaneGate` how many requests
/// may start; the lane reads, sends and waits as they say. Changes of any kind lose nothing: the cursor stays where it
/// is, what is unfinished stays so, and attempts under way end as they began.
package final class Lane {
    package private(set) var settings: LaneSettings
    private(set) var cursor: LaneCursor
    /// Set from outside by tests alone: some of its states take hours to come to.
    var gate: LaneGate
    let metrics: LaneMetrics
    let source: any LaneSource
    let clock: LaneClock
    let oldestEvent = OldestEventAge()
    private let loop: any EventLoop
    private var sender: AttemptSender
    private var filter: LaneFilter
    private let replays: ReplayIntake
    private lazy var rows = LaneRows(source, loop: loop) { [weak self] in self?.pump() }
    private lazy var timer = LaneTimer(loop: loop) { [weak self] in self?.pump() }
    private var isPumping = false
    private var isStopping = false

    /// `wall`: nanoseconds since 1970.
    init(
        settings: LaneSettings, saved: SavedLane, destination: any Destination, source: any LaneSource,
        metrics: LaneMetrics, loop: any EventLoop, wall: @escaping () -> Int64 = wallNanoseconds
    ) {
        self.settings = settings
        self.source = source
        self.metrics = metrics
        self.loop = loop
        clock = LaneClock(loop: loop, wall: wall)
        sender = AttemptSender(destination: destination, clock: clock)
        cursor = LaneCursor(
            clock.monotonic(saved, longestWait: settings.policy.longestWaitNanoseconds),
            maxUnfinished: settings.room, mode: settings.mode,
            deadlineNanoseconds: settings.policy.deadlineNanoseconds)
        gate = LaneGate(settings, now: clock.now)
        replays = ReplayIntake(settings.name, source: source, hasMore: saved.hasReplays)
        filter = LaneFilter(settings)
    }

    /// How many events wait for this subscription: those not yet looked at and those unfinished.
    package var backlog: Int { Int(source.feed.next - 1 - min(cursor.taken, source.feed.next - 1)) + cursor.eventCount }
    package var history: AttemptHistory { sender.history }
    var destination: any Destination { sender.destination }
    /// Whether the log is being read, or is to be for replays.
    var isReading: Bool { rows.isReading || replays.hasMore }

    // MARK: Starting

    /// Starts whatever can be started now.
    func pump() {
        guard !isPumping, !isStopping, !cursor.isHalted else { return }
        guard cursor.isLinedUp else { return lineUp() }
        isPumping = true
        defer { isPumping = false }
        if replays.hasMore { replays.read(rows, room: cursor.room) { [weak self] in self?.takeUp($0) } }
        let now = clock.now
        cursor.wake(now: now)
        giveUp(now: now)
        defer { armTimer(now: now) }
        if let batch = settings.batch { return pumpBatches(batch, now: now) }
        // Old failures may not hold up new events: while there are any, half of the room is theirs.
        let hasNew = cursor.taken + 1 < source.feed.next
        startReady(now: now, below: hasNew ? max(1, gate.concurrency.limit / 2) : .max)
        while mayStart(isRetry: false, now: now), cursor.hasRoom, let row = nextRow() { workOff(row, now: now) }
    }

    /// Starts what is ready, retries first, while less than `limit` is under way; punctual retries are not bound by that.
    private func startReady(now: Int64, below limit: Int = .max) {
        startReady(isRetry: true, now: now, below: gate.isPunctual ? .max : limit)
        startReady(isRetry: false, now: now, below: limit)
    }

    private func startReady(isRetry: Bool, now: Int64, below limit: Int) {
        while cursor.inFlight < limit, cursor.deliveries.hasReady(isRetry: isRetry),
            mayStart(isRetry: isRetry, now: now), let position = cursor.start(isRetry: isRetry, now: now)
        {
            gate.started(isRetry: isRetry, now: now)
            fetch(position)
        }
    }

    private func mayStart(isRetry: Bool, now: Int64) -> Bool {
        let room = gate.room(now: now, inFlight: cursor.inFlight)
        return isRetry ? room.retries > 0 : room.attempts > 0
    }

    /// Takes events of a row, each for a request of its own.
    private func workOff(_ row: RenderedBatch, now: Int64) {
        let (linesUp, firstWait) = (settings.mode.linesUp, settings.policy.firstWaitNanoseconds)
        while cursor.taken < row.last, mayStart(isRetry: false, now: now), cursor.hasRoom {
            guard let position = advance(in: row) else { return }
            guard let receivedAt = row.receivedAtNanoseconds(at: position),
                let content = EventFormat.content(of: position, in: row, as: settings.format)
            else {
                cursor.skip(through: position)
                continue
            }
            let key = linesUp ? row.batch.withRecord(at: position) { $0.partitionKey } : nil
            guard cursor.take(position, key: key, firstWait: firstWait, now: now) else { continue }
            gate.started(isRetry: false, now: now)
            attempt(position, .single(content), receivedAt: receivedAt)
        }
    }

    /// What was gathered goes out every so often, at most so many events at once; the rest waits for the next request.
    private func pumpBatches(_ batch: LaneSettings.Batch, now: Int64) {
        startReady(now: now)
        gather(batch, now: now)
        guard let since = cursor.gathering.since else { return }
        let due = since + settings.gatheringNanoseconds
        guard now >= due else { return timer.arm(due: due, now: now) }
        guard !cursor.isBatchHeld, mayStart(isRetry: false, now: now) else { return }
        let position = cursor.startBatch(batch.maxEvents, now: now)
        gate.started(isRetry: false, now: now)
        fetch(position)
        // What is left begins its own wait.
        gather(batch, now: now)
        if let since = cursor.gathering.since { timer.arm(due: since + settings.gatheringNanoseconds, now: now) }
    }

    private func gather(_ batch: LaneSettings.Batch, now: Int64) {
        cursor.beginGathering(now: now)
        while !cursor.gathering.isFull(batch), cursor.hasRoom, let row = nextRow() {
            while cursor.taken < row.last {
                guard !cursor.gathering.isFull(batch), cursor.hasRoom else { return }
                guard let position = advance(in: row) else { break }
                cursor.gather(position, bytes: row.body(at: position)?.count ?? 0, now: now)
            }
        }
    }

    // MARK: Reading

    /// The row with the next event; nil while it has to be read, or there is none.
    private func nextRow() -> RenderedBatch? {
        let row = rows.row(holding: max(cursor.taken + 1, rows.firstHeld))
        // Retention took what lies before.
        let first = max(rows.firstHeld, row?.first ?? 0)
        if first > cursor.taken + 1 {
            metrics.expired.add(Int(first - cursor.taken - 1))
            cursor.expire(through: first - 1, now: clock.now)
        }
        return row
    }

    /// Passes over what the filter does not take. Returns the next event that it does; nil at the end of the row.
    private func advance(in row: RenderedBatch) -> UInt64? {
        let first = cursor.taken + 1
        guard let next = filter.firstMatch(in: row, from: first) else {
            cursor.skip(through: row.last)
            return nil
        }
        if next > first { cursor.skip(through: next - 1) }
        return next
    }

    /// Puts unfinished events in line by their keys.
    private func lineUp() {
        guard !rows.isReading else { return }
        let (positions, epoch) = cursor.unlined
        rows.read({ source.readKeys(of: positions, done: $0) }) { [weak self] keys in
            guard let self, let keys else { return false }
            cursor.lineUp(positions, keys: keys, epoch: epoch)
            return true
        }
    }

    func takeUp(_ replay: QueuedReplay) { cursor.replay(replay.position, job: replay.job) }

    /// Deliveries were queued for replay. In key order too they go at once: a replay waits for no other event.
    func replaysQueued() {
        replays.queued()
        pump()
    }

    /// A job was cancelled: what was taken up of it and not begun is let go.
    func dropReplays(of job: Int64) { cursor.dropReplays(of: job) }

    /// Puts the events of a delivery together, from memory or from disk, and attempts it.
    private func fetch(_ position: UInt64) {
        let (delivery, feed, format) = (cursor.underWay(position), source.feed, settings.format)
        let positions = [position] + delivery.members
        let near = positions.compactMap { feed.event($0, as: format) }
        if near.count == positions.count { return attempt(position, of: near) }
        let maxBytes = delivery.attempts == 0 ? settings.batch?.maxBytes : nil
        source.readContents(of: positions, as: format, maxBytes: maxBytes ?? .max) { [weak self] result in
            guard let self else { return }
            guard case .success(let found) = result else {
                // Again in a second; this is no attempt.
                cursor.retry(position, due: clock.now + 1_000_000_000)
                return pump()
            }
            metrics.expired.add(found.missing.count)
            if found.missing.isEmpty { return attempt(position, of: found.events) }
            guard let rest = cursor.expire(found.missing, of: position, now: clock.now) else { return pump() }
            attempt(rest, of: found.events)
        }
    }

    // MARK: Attempts

    /// `events` may end early where a new batch would become too large.
    private func attempt(_ position: UInt64, of events: [RenderedEvent]) {
        var events = events
        var delivery = cursor.underWay(position)
        if settings.batch == nil, delivery.count == 1, let event = events.first {
            return attempt(position, .single(event.content), receivedAt: event.receivedAtNanoseconds)
        }
        if delivery.attempts == 0 {
            if let batch = settings.batch { events.removeLast(events.count - batch.fitting(events)) }
            if events.count < delivery.count, !events.isEmpty { cursor.shorten(position, to: events.count) }
            delivery = cursor.underWay(position)
        }
        guard let receivedAt = events.first?.receivedAtNanoseconds else { return cursor.giveBack(position) }
        let id = DeliveryName.batch(first: position, last: delivery.members.last ?? position, count: delivery.count)
        attempt(position, .batch(events.map(\.content)), receivedAt: receivedAt, id: id)
    }

    /// `id`: where it is no single event.
    private func attempt(_ position: UInt64, _ content: Delivery.Content, receivedAt: Int64, id: DeliveryName? = nil) {
        // Its body was being read while the subscription was halted.
        guard !isStopping, !cursor.isHalted else { return cursor.giveBack(position) }
        let started = clock.now
        let delivery = cursor.underWay(position)
        guard cursor.deliveries.end(of: delivery) > started else {
            cursor.giveBack(position)
            return giveUp(now: started)
        }
        let number = delivery.attempts + 1
        sender.send(
            content, named: id ?? .event(position), mark: delivery.replay.map { .replay($0) }, attempt: number,
            timeoutNanoseconds: settings.policy.timeout(
                settings.timeoutNanoseconds, now: started, firstAttempt: delivery.firstAttemptNanoseconds)
        ) { [weak self] outcome in
            guard let self, let delivery = cursor.attemptEnded(position, number: number) else { return }
            ended(position, delivery, started: started, receivedAt: receivedAt, outcome)
        }
    }

    /// Heeds neither pause nor breaker nor limits, and counts nowhere.
    func probe(_ content: Delivery.Content, done: @escaping (AttemptRecord) -> Void) {
        sender.probe(content, timeoutNanoseconds: settings.timeoutNanoseconds, done: done)
    }

    private func ended(
        _ position: UInt64, _ delivery: UnfinishedDelivery, started: Int64, receivedAt: Int64, _ outcome: AttemptOutcome
    ) {
        let now = clock.now
        let isDelivered = outcome.verdict == .delivered
        let consequence = isDelivered ? .delivered : settings.consequence(of: outcome, delivery, now: now)
        metrics.count(outcome, durationNanoseconds: now - started)
        sender.remember(position, delivery, started: started, ended: now, outcome, isDelivered: isDelivered)
        switch consequence {
        case .delivered:
            gate.succeeded(inFlight: cursor.inFlight)
            metrics.delivered.add(delivery.count)
            cursor.delivered(position)
        case .disable:
            cursor.retry(position, due: now)
            disable("the destination is gone: \(outcome.reason) at position \(position)")
        case .again(let due):
            cursor.retry(position, due: due)
            noteFailure(now: now)
        case .halve: cursor.halve(position)
        case .dead(let isFinal):
            metrics.dead.add(delivery.count)
            cursor.died(position, reason: settings.reason(of: outcome), now: now)
            // A final answer is about one event; the endpoint works.
            if !isFinal { noteFailure(now: now) }
        }
        // A replay is late because an operator asked for it late.
        if isDelivered, delivery.replay == nil {
            metrics.receiptToDelivery.record(nanoseconds: clock.wall() - receivedAt)
        }
        pump()
    }

    /// Gives up what found no room for its next attempt until its deadline.
    private func giveUp(now: Int64) {
        while let position = cursor.overdue(now: now) {
            let limit = DurationText.text(.nanoseconds(settings.policy.deadlineNanoseconds ?? 0))
            metrics.dead.add(cursor.positions(of: position).count)
            cursor.died(position, reason: "deadline: not delivered within \(limit) of its first attempt", now: now)
        }
    }

    private func noteFailure(now: Int64) {
        gate.failed(now: now, chance: .random(in: 0...1))
        guard let since = gate.failingSince, let limit = settings.disableAfterNanoseconds, now - since >= limit else {
            return
        }
        disable("nothing was delivered since \(RFC3339.text(clock.wall(at: since)))")
    }

    /// Starts nothing until an operator resumes it.
    func disable(_ reason: String) {
        guard !cursor.isDisabled else { return }
        cursor.disable(reason)
        source.laneDisabled(settings.name, reason)
    }

    // MARK: Changes

    /// Another subscription under the same name. The filter counts for events not yet taken; all else, what follows from
    /// attempts under way included, counts at once.
    func reconfigure(_ settings: LaneSettings, destination: any Destination) {
        if self.settings.place != settings.place {
            // How the former destination did says nothing about this one.
            gate = LaneGate(settings, now: clock.now)
        } else {
            gate.adjust(concurrency: settings.concurrency, perSecond: settings.requestsPerSecond, now: clock.now)
            gate.isPunctual = settings.policy.isPunctual
        }
        self.settings = settings
        sender.change(to: destination)
        filter = LaneFilter(settings)
        cursor.reconfigure(
            settings.mode, maxUnfinished: settings.room,
            deadlineNanoseconds: settings.policy.deadlineNanoseconds)
        timer.disarm()
        pump()
    }

    /// Starts nothing until it is resumed; it keeps its place.
    func pause() {
        guard !cursor.isPaused else { return }
        cursor.pause()
        timer.disarm()
    }

    /// Goes on where it stopped, paused or disabled; what waited is due, and its deadline counts from now. Where it was
    /// disabled, former failures count no more.
    func resume() {
        guard cursor.isHalted else { return }
        if cursor.isDisabled { gate = LaneGate(settings, now: clock.now) }
        cursor.resume(now: clock.now)
        timer.disarm()
        pump()
    }

    /// Starts nothing any more; what is under way may end.
    func stop() {
        isStopping = true
        timer.disarm()
        rows.stop()
        sender.close()
    }

    /// What to save; nil when nothing changed.
    func takeProgress(withSkips: Bool = true) -> LaneProgress? {
        let attempts = sender.takeUnsaved()
        guard cursor.unsaved.isDirty || !attempts.isEmpty || withSkips && cursor.unsaved.hasSkipped else { return nil }
        var progress = clock.wall(cursor.takeProgress(settings.name))
        progress.attempts = attempts
        return progress
    }

    func tick() {
        metrics.backlog.set(Double(backlog))
        rows.tick(taken: cursor.taken, isHalted: cursor.isHalted)
    }

    /// Brings the gauges up to date. `now`: monotonic nanoseconds.
    func report(_ arrivals: ArrivalClock, deadLetters: Int, now: Int64) {
        metrics.show(LaneState(self), deadLetters: deadLetters)
        let oldest = [cursor.oldest, cursor.taken + 1 < source.feed.next ? cursor.taken + 1 : nil].compactMap { $0 }
        oldestEvent.report(oldest.min(), arrivals, source, to: metrics.oldest, now: now)
    }

    /// Explains where the event at `position`, which lies in `batch`, stands.
    package func explain(_ position: UInt64, in batch: EventBatch) -> LaneExplanation {
        LaneExplainer(settings: settings, cursor: cursor, gate: gate, clock: clock, filter: filter)
            .explain(position, in: batch, unsaved: history.attempts(at: position))
    }

    private func armTimer(now: Int64) {
        let hasRetries = cursor.deliveries.hasReady(isRetry: true)
        let hasWork =
            hasRetries || cursor.deliveries.hasReady(isRetry: false)
            || cursor.hasRoom && cursor.taken + 1 < source.feed.next
        if hasWork, let due = gate.opensAt(now: now, inFlight: cursor.inFlight, hasRetries: hasRetries) {
            timer.arm(due: due, now: now)
        }
        if let due = cursor.deliveries.nextDue { timer.arm(due: due, now: now) }
        if let end = cursor.deliveries.nextEnd { timer.arm(due: end, now: now) }
    }
}
