import EventLog
import Metrics
import NIOCore

/// One subscription at work: takes matching events in log order, sends them with bounded concurrency, tries again what
/// failed. Step 7, the last of the way.
///
/// Confined to the event loop of the lanes. What it holds is bounded: `concurrency` bodies, `max_unfinished` numbers,
/// and one chunk of the log while it lags.
final class Lane {
    let settings: LaneSettings
    private(set) var cursor: LaneCursor
    private(set) var history = AttemptHistory()
    private let transport: any HTTPTransport
    private let metrics: LaneMetrics
    private let source: any LaneSource
    private let loop: any EventLoop
    var head: DeliveryHead
    /// The row being worked off, and rows read from the log behind it.
    private var current: RenderedBatch?
    private var chunk: [RenderedBatch] = []
    private var isReading = false
    private var isPumping = false
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
        cursor = LaneCursor(saved, maxUnfinished: settings.maxUnfinished)
        hasReplays = saved.hasReplays
    }

    /// Starts whatever can be started now.
    func pump() {
        guard !isPumping, !isStopping, !cursor.isDisabled else { return }
        isPumping = true
        defer { isPumping = false }
        takeUpReplays()
        let now = wallNanoseconds()
        // Old failures may not hold up new events: while there are any, half of the room is theirs.
        let readyLimit = cursor.taken + 1 < source.feed.next ? max(1, settings.concurrency / 2) : settings.concurrency
        while cursor.inFlight < readyLimit, let position = cursor.takeReady(now: now) { fetch(position) }
        while cursor.inFlight < settings.concurrency, cursor.hasRoom, let batch = nextBatch() {
            workOff(batch, now: now)
        }
        armTimer(now: now)
    }

    /// Enables the subscription again; what waited is due.
    func enable() {
        cursor.enable()
        timer?.task.cancel()
        timer = nil
        cursor.wake(now: wallNanoseconds())
        pump()
    }

    /// Dead letters were queued for replay.
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
    var backlog: Int { Int(source.feed.next - 1 - min(cursor.taken, source.feed.next - 1)) + cursor.unfinished.count }

    // MARK: Reading

    private func nextBatch() -> RenderedBatch? {
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
            guard cursor.inFlight < settings.concurrency, cursor.hasRoom else { return }
            let receivedAt = batch.batch.withRecord(at: position) { record in
                settings.matcher.matches(record) ? record.receivedAtNanoseconds : nil
            }
            guard let receivedAt = receivedAt ?? nil, let body = batch.body(at: position) else {
                cursor.skip(position)
                continue
            }
            cursor.take(position, now: now)
            attempt(position, body: body, receivedAt: receivedAt)
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
        if let batch = source.feed.batch(holding: position), let body = batch.body(at: position) {
            let receivedAt = batch.batch.withRecord(at: position) { $0.receivedAtNanoseconds }
            attempt(position, body: body, receivedAt: receivedAt ?? 0)
            return
        }
        source.readBody(at: position) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let found?):
                attempt(position, body: ByteBuffer(bytes: found.body), receivedAt: found.receivedAtNanoseconds)
            case .success(nil):
                metrics.expired.add(1)
                cursor.died(position, reason: "expired", now: wallNanoseconds())
                pump()
            case .failure:
                cursor.retry(position, due: wallNanoseconds() + 1_000_000_000)
                pump()
            }
        }
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

    private func attempt(_ position: UInt64, body: ByteBuffer, receivedAt: Int64) {
        guard !isStopping else { return cursor.giveBack(position) }
        let started = wallNanoseconds()
        var request = OutboundRequest(
            head: ByteBufferAllocator().buffer(capacity: 512), body: body,
            timeoutNanoseconds: settings.timeoutNanoseconds)
        head.write(position: position, nowSeconds: started / 1_000_000_000, body: body, to: &request.head)
        transport.send(request) { [weak self] outcome in
            self?.finished(position, started: started, receivedAt: receivedAt, outcome)
        }
    }

    private func finished(_ position: UInt64, started: Int64, receivedAt: Int64, _ outcome: AttemptOutcome) {
        let now = wallNanoseconds()
        let number = cursor.attempted(position)
        let consequence = outcome.consequence
        metrics.count(outcome, durationNanoseconds: now - started)
        history.add(
            AttemptRecord(
                position: position, number: number, startedNanoseconds: started, durationNanoseconds: now - started,
                outcome: outcome.word, status: outcome.status, detail: outcome.detail),
            isEveryday: consequence == .delivered && number == 1)
        switch consequence {
        case .delivered:
            metrics.delivered.add(1)
            metrics.receiptToDelivery.record(nanoseconds: now - receivedAt)
            cursor.delivered(position)
        case .disable:
            cursor.retry(position, due: now)
            if !cursor.isDisabled {
                cursor.disable("the subscriber answered 410 at position \(position)")
                source.laneDisabled(settings.name)
            }
        case .tryAgain(let retryAfterSeconds):
            let due = settings.schedule.nextDue(
                afterAttempts: number, now: now,
                firstAttempt: cursor.unfinished[position]?.firstAttemptNanoseconds ?? now,
                retryAfterSeconds: retryAfterSeconds, chance: .random(in: 0...1))
            if let due {
                cursor.retry(position, due: due)
                armTimer(due: due, now: now)
            } else {
                metrics.dead.add(1)
                cursor.died(position, reason: outcome.reason, now: now)
            }
        }
        pump()
    }

    // MARK: Waiting

    private func armTimer(now: Int64) {
        guard timer == nil, cursor.retryingCount > 0, let due = cursor.nextDue else { return }
        armTimer(due: due, now: now)
    }

    private func armTimer(due: Int64, now: Int64) {
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
