import EventLog
import Events
import StageMetrics
import NIOCore

/// One subscription at work: takes matching events in log order, sends them with bounded concurrency, tries again what
/// failed. Step 7, the last of the way.
///
/// Confined to the event loop of the lanes. What it holds is bounded: `concurrency` bodies, `max_unfinished` numbers,
/// and one chunk of the log while it lags.
final class Lane {
    let settings: LaneSettings
    var cursor: LaneCursor
    private(set) var history = AttemptHistory()
    var gate: LaneGate
    var gathering = Gathering()
    private let transport: any HTTPTransport
    let metrics: LaneMetrics
    let source: any LaneSource
    private let loop: any EventLoop
    var head: DeliveryHead
    /// The row being worked off, and rows read from the log behind it.
    private var current: RenderedBatch?
    private var chunk: [RenderedBatch] = []
    private var isReading = false
    private var isPumping = false
    private var keys = KeyGate()
    /// With key order: what the former process left is put in line before anything starts.
    private var isLinedUp: Bool
    private let contentMatcher: ContentMatcher?
    private var isStopping = false
    private var hasReplays: Bool
    /// Replays up to here were taken up; their rows go with the next save.
    private var replayedThrough: UInt64 = 0
    private var timer: (due: Int64, task: Scheduled<Void>)?

    init(
        settings: LaneSettings, saved: SavedLane, head: DeliveryHead, transport: any HTTPTransport,
        source: any LaneSource, metrics: LaneMetrics, loop: any EventLoop
    ) {
        self.settings = settings
        self.head = head
        self.transport = transport
        self.source = source
        self.metrics = metrics
        self.loop = loop
        cursor = LaneCursor(
            saved, maxUnfinished: settings.maxUnfinished, inBatches: settings.batch != nil)
        gate = Self.gate(settings)
        hasReplays = saved.hasReplays
        contentMatcher = ContentMatcher(settings.conditions)
        isLinedUp = !settings.keepsKeyOrder || settings.batch != nil || cursor.unfinished.isEmpty
    }

    /// Whether the subscription takes that event.
    func takes(_ record: EventRecord) -> Bool {
        settings.matcher.matches(record) && (contentMatcher?.matches(record) ?? true)
    }

    /// Starts whatever can be started now.
    func pump() {
        guard !isPumping, !isStopping, !cursor.isDisabled else { return }
        guard isLinedUp else { return lineUp() }
        isPumping = true
        defer { isPumping = false }
        takeUpReplays()
        let now = wallNanoseconds()
        defer { armTimer(now: now) }
        if let batch = settings.batch { return pumpBatches(batch, now: now) }
        // Old failures may not hold up new events: while there are any, half of the room is theirs.
        let hasNew = cursor.taken + 1 < source.feed.next
        let readyLimit = hasNew ? max(1, gate.concurrency.limit / 2) : .max
        while cursor.inFlight < readyLimit, let isRetry = cursor.nextReadyIsRetry, mayStart(isRetry: isRetry, now: now),
            let position = cursor.takeReady(now: now)
        {
            gate.started(isRetry: isRetry, now: now)
            fetch(position)
        }
        while mayStart(isRetry: false, now: now), cursor.hasRoom, let batch = nextBatch() {
            workOff(batch, now: now)
        }
    }

    func mayStart(isRetry: Bool, now: Int64) -> Bool {
        let room = gate.room(now: now, inFlight: cursor.inFlight)
        return room.attempts > 0 && (!isRetry || room.retries > 0)
    }

    /// Enables the subscription again; what waited is due, and former failures count no more.
    func enable() {
        cursor.enable()
        gate = Self.gate(settings)
        timer?.task.cancel()
        timer = nil
        cursor.wake(now: wallNanoseconds())
        pump()
    }

    private static func gate(_ settings: LaneSettings) -> LaneGate {
        LaneGate(concurrency: settings.concurrency, perSecond: settings.requestsPerSecond, now: wallNanoseconds())
    }

    /// Dead letters were queued for replay. In key order too they go at once: a replay waits for no other event.
    func replaysQueued() {
        hasReplays = true
        replayedThrough = 0
        pump()
    }

    /// Starts nothing any more; what is under way may end.
    func stop() {
        isStopping = true
        timer?.task.cancel()
        timer = nil
        transport.close()
    }

    var backlogGauge: Gauge { metrics.backlog }

    /// What to save; nil when nothing changed.
    func takeProgress() -> LaneProgress? {
        let attempts = history.takeUnsaved()
        guard cursor.isDirty || !attempts.isEmpty else { return nil }
        var progress = cursor.takeProgress(settings.name)
        progress.attempts = attempts
        return progress
    }

    /// How many events wait for this subscription: those not yet looked at and those unfinished.
    var backlog: Int { Int(source.feed.next - 1 - min(cursor.taken, source.feed.next - 1)) + cursor.eventCount }

    // MARK: Reading

    func nextBatch() -> RenderedBatch? {
        let position = cursor.taken + 1
        if let current, current.first <= position, position <= current.last { return current }
        current = nil
        guard position < source.feed.next else { return nil }
        if let batch = source.feed.batch(holding: position) {
            chunk.removeAll()
            current = batch
            return batch
        }
        while let batch = chunk.first {
            chunk.removeFirst()
            guard batch.last >= position else { continue }
            if batch.first > position { expire(through: batch.first - 1) }
            current = batch
            return batch
        }
        readChunk(from: position)
        return nil
    }

    private func workOff(_ batch: RenderedBatch, now: Int64) {
        for position in (cursor.taken + 1)...batch.last {
            guard mayStart(isRetry: false, now: now), cursor.hasRoom else { return }
            var mustWait = false
            let receivedAt = batch.batch.withRecord(at: position) { record -> Int64? in
                guard takes(record) else { return nil }
                if settings.keepsKeyOrder { mustWait = !keys.enter(position, key: record.partitionKey) }
                return record.receivedAtNanoseconds
            }
            guard let receivedAt = receivedAt ?? nil,
                let content = EventFormat.content(of: position, in: batch, as: settings.format)
            else {
                cursor.skip(position)
                continue
            }
            guard !mustWait else {
                cursor.hold(position)
                continue
            }
            cursor.take(position, now: now)
            gate.started(isRetry: false, now: now)
            attempt(position, content, receivedAt: receivedAt)
        }
    }

    private func readChunk(from position: UInt64) {
        guard !isReading else { return }
        isReading = true
        source.readChunk(from: position) { [weak self] result in
            guard let self else { return }
            isReading = false
            switch result {
            case .success(let (batches, firstPosition)):
                if firstPosition > cursor.taken + 1 { expire(through: firstPosition - 1) }
                chunk = batches
                if batches.isEmpty { pumpLater() } else { pump() }
            case .failure:
                pumpLater()
            }
        }
    }

    /// The log gave nothing where something must be: asked again in a while, without a busy loop.
    private func pumpLater() {
        loop.assumeIsolated().scheduleTask(in: .milliseconds(200)) { [weak self] in self?.pump() }
    }

    private func expire(through last: UInt64) {
        metrics.expired.add(Int(last - cursor.taken))
        cursor.expire(through: last, now: wallNanoseconds())
    }

    /// Reads the body of a delivery that is tried again; the feed has mostly moved on.
    private func fetch(_ position: UInt64) {
        if let batch = source.feed.batch(holding: position),
            let content = EventFormat.content(of: position, in: batch, as: settings.format)
        {
            let receivedAt = batch.batch.withRecord(at: position) { $0.receivedAtNanoseconds }
            attempt(position, content, receivedAt: receivedAt ?? 0)
            return
        }
        source.readContent(at: position, as: settings.format) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let found?):
                attempt(position, found.content, receivedAt: found.receivedAtNanoseconds)
            case .success(nil):
                metrics.expired.add(1)
                cursor.died(position, reason: "expired", now: wallNanoseconds())
                leaveKey(position)
                pump()
            case .failure:
                cursor.retry(position, due: wallNanoseconds() + 1_000_000_000)
                pump()
            }
        }
    }

    /// Puts what is unfinished in line by its keys, in log order.
    private func lineUp() {
        guard !isReading else { return }
        isReading = true
        let positions = cursor.unfinished.keys.sorted()
        source.readKeys(of: positions) { [weak self] result in
            guard let self else { return }
            isReading = false
            guard case .success(let found) = result else { return pumpLater() }
            for (position, key) in zip(positions, found) where !keys.enter(position, key: key) {
                cursor.hold(position)
            }
            isLinedUp = true
            pump()
        }
    }

    private func leaveKey(_ position: UInt64) {
        guard settings.keepsKeyOrder, let next = keys.leave(position) else { return }
        cursor.release(next)
    }

    private func takeUpReplays() {
        guard hasReplays, cursor.room > 0, !isReading else { return }
        isReading = true
        let room = cursor.room
        source.readReplays(settings.name, after: replayedThrough, limit: room) { [weak self] result in
            guard let self else { return }
            isReading = false
            if case .success(let positions) = result {
                hasReplays = positions.count == room
                replayedThrough = positions.last ?? replayedThrough
                for position in positions { cursor.replay(position) }
            }
            pump()
        }
    }

    // MARK: Attempts

    func attempt(_ position: UInt64, _ content: DeliveryContent, receivedAt: Int64) {
        guard !isStopping else { return cursor.giveBack(position) }
        let started = wallNanoseconds()
        var request = OutboundRequest(
            head: ByteBufferAllocator().buffer(capacity: 512), body: content.body,
            timeoutNanoseconds: settings.policy.timeout(
                settings.timeoutNanoseconds, now: started, firstAttempt: cursor.firstAttempt(position) ?? started))
        head.write(
            name(of: position), attempt: (cursor.unfinished[position]?.attempts ?? 0) + 1,
            nowSeconds: started / 1_000_000_000, content: content, to: &request.head)
        transport.send(request) { [weak self] outcome in
            self?.finished(position, started: started, receivedAt: receivedAt, outcome)
        }
    }

    private func name(of position: UInt64) -> DeliveryName {
        guard settings.batch != nil else { return .event(position) }
        let positions = cursor.positions(of: position)
        return .batch(first: position, last: positions.last ?? position, count: positions.count)
    }

    private func finished(_ position: UInt64, started: Int64, receivedAt: Int64, _ outcome: AttemptOutcome) {
        let now = wallNanoseconds()
        let number = cursor.attempted(position)
        let consequence = settings.policy.consequence(
            of: outcome, attempt: number, now: now, firstAttempt: cursor.firstAttempt(position) ?? now,
            chance: .random(in: 0...1))
        metrics.count(outcome, durationNanoseconds: now - started)
        history.add(
            AttemptRecord(
                position: position, number: number, startedNanoseconds: started, durationNanoseconds: now - started,
                outcome: outcome.word, status: outcome.status, detail: outcome.detail),
            isEveryday: consequence == .delivered && number == 1)
        switch consequence {
        case .delivered:
            gate.succeeded(inFlight: cursor.inFlight)
            metrics.delivered.add(cursor.positions(of: position).count)
            metrics.receiptToDelivery.record(nanoseconds: now - receivedAt)
            cursor.delivered(position)
            leaveKey(position)
        case .disable:
            cursor.retry(position, due: now)
            disable("the subscriber answered 410 at position \(position)")
        case .again(let due):
            cursor.retry(position, due: due)
            noteFailure(now: now)
            armTimer(due: due, now: now)
        case .dead(let isFinal):
            metrics.dead.add(cursor.positions(of: position).count)
            cursor.died(position, reason: outcome.reason, now: now)
            leaveKey(position)
            // A final answer is about one event; the endpoint works.
            if !isFinal { noteFailure(now: now) }
        }
        pump()
    }

    private func noteFailure(now: Int64) {
        gate.failed(now: now, chance: .random(in: 0...1))
        guard let since = gate.failingSince, let limit = settings.disableAfterNanoseconds, now - since >= limit else {
            return
        }
        disable("nothing was delivered since \(CloudEventsTime.text(nanoseconds: since))")
    }

    private func disable(_ reason: String) {
        guard !cursor.isDisabled else { return }
        cursor.disable(reason)
        source.laneDisabled(settings.name, reason)
    }

    // MARK: Waiting

    private func armTimer(now: Int64) {
        let hasWork = cursor.hasReady || (cursor.hasRoom && cursor.taken + 1 < source.feed.next)
        if hasWork, let due = gate.opensAt(now: now, inFlight: cursor.inFlight) { armTimer(due: due, now: now) }
        guard timer == nil, cursor.retryingCount > 0, let due = cursor.nextDue else { return }
        armTimer(due: due, now: now)
    }

    func armTimer(due: Int64, now: Int64) {
        guard !isStopping else { return }
        if let timer {
            guard due < timer.due else { return }
            timer.task.cancel()
        }
        // Never longer than an hour: the wall clock may be set.
        let wait = min(max(due - now, 1_000_000), 3_600_000_000_000)
        let task = loop.assumeIsolated().scheduleTask(in: .nanoseconds(wait)) { [weak self] in
            guard let self else { return }
            timer = nil
            guard !cursor.isDisabled else { return }
            cursor.wake(now: wallNanoseconds())
            pump()
        }
        timer = (due, task)
    }
}
