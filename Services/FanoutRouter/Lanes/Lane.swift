import EventLog
import Events
import NIOCore
import Primitives
import StageMetrics

/// One subscription at work: takes matching events in log order, sends them with bounded concurrency, tries again what
/// failed. Step 7, the last of the way.
///
/// Confined to the event loop of the lanes. What it holds is bounded: `concurrency` bodies, `max_unfinished` numbers,
/// and one chunk of the log while it lags. `LaneReading` takes events up, `LaneAttempts` sends them, `LaneChanges` lets
/// an operator change all of it while it runs.
final class Lane {
    var settings: LaneSettings
    var cursor: LaneCursor
    var history = AttemptHistory()
    var gate: LaneGate
    var gathering = Gathering()
    var transport: any HTTPTransport
    let metrics: LaneMetrics
    let source: any LaneSource
    let loop: any EventLoop
    let clock: LaneClock
    var head: DeliveryHead
    /// The row being worked off, and rows read from the log behind it.
    var current: RenderedBatch?
    var chunk: [RenderedBatch] = []
    var isReading = false
    private var isPumping = false
    var keys = KeyGate()
    /// With key order: what was unfinished before is put in line before anything starts.
    var isLinedUp: Bool
    /// Counts changes of the key order, so that keys read for a former one are not used.
    var orderEpoch = 0
    var contentMatcher: ContentMatcher?
    private(set) var isStopping = false
    var hasReplays: Bool
    /// The last ticket of those taken up.
    var lastTicket: Int64 = 0
    /// When the oldest event came in where that was before this process began, in monotonic nanoseconds; it may lie below
    /// zero.
    var earlier: (position: UInt64, arrivedNanoseconds: Int64)?
    var isArrivalAsked = false
    private var timer: (due: Int64, task: Scheduled<Void>)?
    /// Where the cursor was when the hub's clock last looked, and how often it has been there since.
    private var takenAtTick: UInt64 = 0
    private var idleTicks = 0
    /// Ticks without progress after which rows are given back: slow lanes do not read the same rows again and again.
    private static let patienceTicks = 50

    /// `wall`: nanoseconds since 1970.
    init(
        settings: LaneSettings, saved: SavedLane, head: DeliveryHead, transport: any HTTPTransport,
        source: any LaneSource, metrics: LaneMetrics, loop: any EventLoop,
        wall: @escaping () -> Int64 = wallNanoseconds
    ) {
        self.settings = settings
        self.head = head
        self.transport = transport
        self.source = source
        self.metrics = metrics
        self.loop = loop
        clock = LaneClock(loop: loop, wall: wall)
        cursor = LaneCursor(
            clock.monotonic(saved, longestWait: settings.policy.longestWaitNanoseconds),
            maxUnfinished: settings.maxUnfinished, inBatches: settings.batch != nil,
            deadlineNanoseconds: settings.policy.deadlineNanoseconds)
        gate = Self.gate(settings, now: clock.now)
        hasReplays = saved.hasReplays
        contentMatcher = ContentMatcher(settings.conditions)
        isLinedUp = !settings.linesUp || cursor.unfinished.isEmpty
    }

    /// Starts whatever can be started now.
    func pump() {
        guard !isPumping, !isStopping, !cursor.isHalted else { return }
        guard isLinedUp else { return lineUp() }
        isPumping = true
        defer { isPumping = false }
        takeUpReplays()
        let now = clock.now
        cursor.wake(now: now)
        giveUp(now: now)
        defer { armTimer(now: now) }
        if let batch = settings.batch { return pumpBatches(batch, now: now) }
        // Old failures may not hold up new events: while there are any, half of the room is theirs.
        let hasNew = cursor.taken + 1 < source.feed.next
        startReady(now: now, below: hasNew ? max(1, gate.concurrency.limit / 2) : .max) { fetch($0) }
        while mayStart(isRetry: false, now: now), cursor.hasRoom, let batch = nextBatch() {
            workOff(batch, now: now)
        }
    }

    /// Starts what is ready, retries first, while less than `limit` is under way; punctual retries are not bound by that.
    func startReady(now: Int64, below limit: Int = .max, _ start: (UInt64) -> Void) {
        startReady(isRetry: true, now: now, below: gate.isPunctual ? .max : limit, start)
        startReady(isRetry: false, now: now, below: limit, start)
    }

    private func startReady(isRetry: Bool, now: Int64, below limit: Int, _ start: (UInt64) -> Void) {
        while cursor.inFlight < limit, cursor.hasReady(isRetry: isRetry), mayStart(isRetry: isRetry, now: now),
            let position = cursor.takeReady(isRetry: isRetry, now: now)
        {
            gate.started(isRetry: isRetry, now: now)
            start(position)
        }
    }

    func mayStart(isRetry: Bool, now: Int64) -> Bool {
        let room = gate.room(now: now, inFlight: cursor.inFlight)
        return isRetry ? room.retries > 0 : room.attempts > 0
    }

    static func gate(_ settings: LaneSettings, now: Int64) -> LaneGate {
        LaneGate(
            concurrency: settings.concurrency, perSecond: settings.requestsPerSecond,
            isPunctual: settings.policy.isPunctual, now: now)
    }

    /// Starts nothing any more; what is under way may end.
    func stop() {
        isStopping = true
        disarm()
        dropRows()
        transport.close()
    }

    /// What to save; nil when nothing changed.
    func takeProgress(withSkips: Bool = true) -> LaneProgress? {
        let attempts = history.takeUnsaved()
        guard cursor.isDirty || !attempts.isEmpty || withSkips && cursor.hasSkipped else { return nil }
        var progress = clock.wall(cursor.takeProgress(settings.name))
        progress.attempts = attempts
        return progress
    }

    /// How many events wait for this subscription: those not yet looked at and those unfinished.
    var backlog: Int { Int(source.feed.next - 1 - min(cursor.taken, source.feed.next - 1)) + cursor.eventCount }

    /// Called by the hub's clock: brings the gauge up to date, and gives rows back that are not being worked off. A
    /// thousand subscriptions that wait hold no part of the log.
    func tick() {
        metrics.backlog.set(Double(backlog))
        idleTicks = takenAtTick == cursor.taken ? idleTicks + 1 : 0
        takenAtTick = cursor.taken
        if cursor.isHalted || idleTicks >= Self.patienceTicks { dropRows() }
    }

    private func dropRows() {
        current = nil
        chunk = []
    }

    // MARK: Waiting

    private func armTimer(now: Int64) {
        let hasRetries = cursor.hasReady(isRetry: true)
        let hasWork =
            hasRetries || cursor.hasReady(isRetry: false) || cursor.hasRoom && cursor.taken + 1 < source.feed.next
        if hasWork, let due = gate.opensAt(now: now, inFlight: cursor.inFlight, hasRetries: hasRetries) {
            armTimer(due: due, now: now)
        }
        if let due = cursor.nextDue { armTimer(due: due, now: now) }
        if let end = cursor.nextEnd { armTimer(due: end, now: now) }
    }

    func armTimer(due: Int64, now: Int64) {
        guard !isStopping, !cursor.isHalted else { return }
        if let timer {
            guard due < timer.due else { return }
            timer.task.cancel()
        }
        let wait = max(due - now, 1_000_000)
        let task = loop.assumeIsolated().scheduleTask(in: .nanoseconds(wait)) { [weak self] in
            guard let self else { return }
            timer = nil
            pump()
        }
        timer = (due, task)
    }

    func disarm() {
        timer?.task.cancel()
        timer = nil
    }
}
