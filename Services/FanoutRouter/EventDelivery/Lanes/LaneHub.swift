import EventLog
import Logging
import NIOCore
import PipelineConfiguration
import StageMetrics

/// The lanes of one event loop with the feed that they share and the clock that saves them.
///
/// Confined to its event loop.
package final class LaneHub: LaneSource {
    /// How often gauges are set and stuck lanes looked at.
    static let tickInterval = TimeAmount.milliseconds(500)
    /// How long after one save the next begins at the earliest, for each lane that had something to save: a crash repeats
    /// at most what was delivered since, and saving costs a few percent of the log thread's time at most.
    static let saveIntervalPerLane = TimeAmount.microseconds(200)
    static let shortestSaveInterval = TimeAmount.milliseconds(20)
    /// How often lanes that only passed events over are saved.
    static let skipSaveInterval = TimeAmount.seconds(1)
    /// What a lane that lags reads at once, and what all together may read, on all loops.
    static let chunkBytes = 256 * 1024
    static let allChunksBytes = 32 << 20

    /// How many ticks apart the metrics are told in what state each lane is.
    private static let ticksPerReport = 2

    private(set) var feed: EventFeed
    private var arrivals: ArrivalClock
    /// Both clocks when this process began; what came in before is dated by the difference to them.
    private let started = (monotonic: monotonicNanoseconds(), wall: wallNanoseconds())
    private var ticks = 0
    private let deadLetters: @Sendable () -> [String: Int]
    /// In the order in which they were added.
    package private(set) var lanes: [Lane] = []
    private var byName: [String: Lane] = [:]
    private var isRunning = false
    private let mailbox: FeedMailbox
    private let reading: LogReading
    let loop: any EventLoop
    private let loops: Int
    private let logger: Logger
    private let save: @Sendable ([LaneProgress], @escaping @Sendable () -> Void) -> Void
    private var isSaving = false
    /// Whether the next save is planned; otherwise the next tick looks whether there is something to save.
    private var isSaveDue = false
    private var skipsDue = NIODeadline.now()
    private let chunks: ChunkReader
    private var ticker: RepeatedTask?

    /// `loops`: how many there are. `save` hands progress to the log thread and calls back from there once it is on disk. `deadLetters`: how many are
    /// kept of each subscription.
    init(
        mailbox: FeedMailbox, feed: EventFeed, reading: LogReading, loop: any EventLoop, loops: Int = 1,
        logger: Logger,
        deadLetters: @escaping @Sendable () -> [String: Int] = { [:] },
        save: @escaping @Sendable ([LaneProgress], @escaping @Sendable () -> Void) -> Void
    ) {
        self.mailbox = mailbox
        self.feed = feed
        self.deadLetters = deadLetters
        arrivals = ArrivalClock(next: feed.next, now: started.monotonic)
        self.reading = reading
        chunks = ChunkReader(reading, loop: loop, logger: logger, purpose: "a lane")
        self.loop = loop
        self.loops = loops
        self.logger = logger
        self.save = save
    }

    /// Adds a lane; where the others run it begins at once. Names are unique.
    func add(_ lane: Lane) {
        precondition(byName[lane.settings.name] == nil, "a subscription has one lane")
        lanes.append(lane)
        byName[lane.settings.name] = lane
        if isRunning { lane.pump() }
    }

    /// Stops a lane and lets it go: attempts under way still reach the subscriber, but what comes of them is not known.
    /// What it came to is the caller's to save or to drop.
    func remove(_ subscription: String) -> Lane? {
        guard let lane = byName.removeValue(forKey: subscription) else { return nil }
        lanes.removeAll { $0 === lane }
        lane.stop()
        lane.metrics.backlog.set(0)
        return lane
    }

    package func lane(_ subscription: String) -> Lane? { byName[subscription] }

    /// Deliveries of a subscription were queued for replay.
    func replaysQueued(_ subscription: String) { lane(subscription)?.replaysQueued() }

    /// A job was cancelled: what its lane took up and did not begin is let go.
    func replaysCancelled(_ subscription: String, _ job: Int64) {
        lane(subscription)?.dropReplays(of: job)
    }

    /// Starts every lane and the saving.
    func start() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        ticker = loop.scheduleRepeatedTask(initialDelay: Self.tickInterval, delay: Self.tickInterval) { _ in
            bound.value.tick()
        }
        isRunning = true
        saveLater(.zero)
        for lane in lanes { lane.pump() }
    }

    private func tick() {
        for lane in lanes { lane.tick() }
        chunks.tick()
        if !isSaveDue, !isSaving { saveChanges() }
        if ticks.isMultiple(of: Self.ticksPerReport) { report(now: monotonicNanoseconds()) }
        ticks += 1
    }

    /// Tells the metrics in what state each lane is. `now`: monotonic nanoseconds.
    func report(now: Int64) {
        arrivals.note(next: feed.next, now: now)
        let kept = deadLetters()
        for lane in lanes { lane.report(arrivals, deadLetters: kept[lane.settings.name] ?? 0, now: now) }
    }

    /// Takes new rows out of the mailbox and lets the lanes go.
    func drain() {
        let (batches, next) = mailbox.take()
        guard next > 0 else { return }
        for batch in batches { feed.append(batch) }
        feed.advance(to: next)
        for lane in lanes { lane.pump() }
    }

    /// Lets what is under way end, at most `patience`, and saves. `done` runs on the loop.
    func stop(patience: TimeAmount, done: @escaping @Sendable () -> Void) {
        halt()
        let deadline = NIODeadline.now() + patience
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(5)) { task in
            let hub = bound.value
            guard !hub.isSaving, hub.lanes.allSatisfy({ $0.cursor.inFlight == 0 }) || NIODeadline.now() > deadline
            else { return }
            task.cancel()
            // What is still being read reports to the loop first.
            let reading = hub.reading
            hub.save(hub.lanes.compactMap { $0.takeProgress() }) { reading.submit({ _ in }, done: { _ in done() }) }
        }
    }

    /// Starts and saves nothing any more.
    func halt() {
        isRunning = false
        for lane in lanes { lane.stop() }
        ticker?.cancel()
    }

    /// Saves what changed, and again a while after it is on disk, for as long as something changes.
    private func saveLater(_ wait: TimeAmount) {
        isSaveDue = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: max(wait, Self.shortestSaveInterval)) {
            bound.value.isSaveDue = false
            bound.value.saveChanges()
        }
    }

    private func saveChanges() {
        guard isRunning else { return }
        let withSkips = NIODeadline.now() >= skipsDue
        if withSkips { skipsDue = .now() + Self.skipSaveInterval }
        let progress = lanes.compactMap { $0.takeProgress(withSkips: withSkips) }
        guard !progress.isEmpty else { return }
        isSaving = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        save(progress) {
            loop.execute {
                bound.value.isSaving = false
                bound.value.saveLater(Self.saveIntervalPerLane * progress.count)
            }
        }
    }

    /// Saves at once what changed. `done` runs on the log thread when this and all that was saved before is on disk.
    func settle(done: @escaping @Sendable () -> Void) {
        save(lanes.compactMap { $0.takeProgress() }, done)
    }

    // MARK: LaneSource

    func readChunk(from position: UInt64, done: @escaping (ChunkReader.Rows) -> Void) {
        let share = Self.allChunksBytes / (loops * max(1, lanes.count))
        chunks.rows(from: position, maxBytes: min(Self.chunkBytes, share), done: done)
    }

    func readContents(
        of positions: [UInt64], as format: SubscriptionFormat, maxBytes: Int,
        done: @escaping (Result<RenderedEvents, any Error>) -> Void
    ) {
        chunks.read(done) { reader in
            var found = RenderedEvents()
            var bytes = 0
            var row: EventBatch?
            for position in positions {
                if row.map({ position < $0.first || position > $0.last }) ?? true {
                    row = try reader.batch(holding: position)
                }
                guard let event = row.flatMap({ RenderedEvent(at: position, of: $0, as: format) }) else {
                    found.missing.append(position)
                    continue
                }
                bytes += event.content.body.count
                if bytes > maxBytes, !found.events.isEmpty { break }
                found.events.append(event)
            }
            return found
        }
    }

    func readKeys(of positions: [UInt64], done: @escaping (Result<[[UInt8]], any Error>) -> Void) {
        chunks.read(done) { reader in
            try positions.map { position in
                try reader.batch(holding: position)?.withRecord(at: position) { $0.partitionKey } ?? []
            }
        }
    }

    func readReplays(
        _ subscription: String, after ticket: Int64, limit: Int,
        done: @escaping (Result<[QueuedReplay], any Error>) -> Void
    ) {
        chunks.read(done) { try $0.queuedReplays(subscription: subscription, after: ticket, limit: limit) }
    }

    func readArrival(of position: UInt64, done: @escaping (Result<Int64, any Error>) -> Void) {
        let started = started
        chunks.read(done) { reader in
            let appended = try reader.appended(position) ?? started.wall
            return started.monotonic - max(0, started.wall - appended)
        }
    }

    func laneDisabled(_ subscription: String, _ reason: String) {
        logger.warning(
            "a subscription is disabled and keeps its place until it is enabled",
            metadata: ["subscription": "\(subscription)", "reason": "\(reason)"])
    }
}
