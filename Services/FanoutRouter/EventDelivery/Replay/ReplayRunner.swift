import Dispatch
package import EventLog
import JSON
import Logging
import StageMetrics
import Synchronization

/// Carries replay jobs out: goes through what they mean and queues it for the lanes, never far ahead of them, at the
/// rate of each job. The log keeps how far a job has come together with what it queued, so a job goes on after a
/// restart where it was.
///
/// Works on a queue of its own, in steps of a few milliseconds on the reader thread and the log thread.
package final class ReplayRunner: Sendable {
    /// Deliveries of one subscription that wait in the queue at most.
    static let mostQueued = 1000
    /// Jobs that run at a time.
    static let mostRunning = 100
    /// Positions that one transaction queues.
    private static let mostPerStep = 250
    /// Positions that one step of a count finds.
    private static let mostPerCount = 20_000
    /// A walk that finds nothing says so often how far it has come.
    private static let saveInterval: Int64 = 1_000_000_000
    /// How long a job with a rate waits for its next step, and lanes that are full are left alone: longer and longer.
    private static let rateWaitMilliseconds = 50
    private static let shortWaitMilliseconds = 20
    private static let longWaitMilliseconds = 320

    /// What the runner needs of the lanes. Called on any thread.
    struct Outlets: Sendable {
        /// A test whether the subscription takes an event now; nil: there is no such subscription. The test is used by
        /// one thread.
        var matcher: @Sendable (String) -> ((EventRecord) -> Bool)?
        /// Deliveries were queued for that subscription.
        var notify: @Sendable (String) -> Void
        /// What that job queued for that subscription and has not begun is not wanted any more.
        var cancelled: @Sendable (String, Int64) -> Void
    }

    private struct Running: Sendable {
        var job: ReplayJob
        let selection: ReplaySelection
        var rate: TokenBucket?
        var savedAtNanoseconds: Int64
        /// Once the queue is full it is filled again when it is half empty, not row by row.
        var isFilling = true
    }

    /// What one step came to.
    private enum Advance {
        case advanced
        case waitsForRate
        case waitsForLane
    }

    private struct State: Sendable {
        var running: [Int64: Running] = [:]
        var isScheduled = false
        var isStopped = false
        /// The next wait for lanes that are full.
        var patienceMilliseconds = shortWaitMilliseconds
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "replays")
    private let reading: LogReading
    private let writer: LogWriter
    private let outlets: Outlets
    private let logger: Logger

    init(reading: LogReading, writer: LogWriter, outlets: Outlets, logger: Logger) {
        self.reading = reading
        self.writer = writer
        self.outlets = outlets
        self.logger = logger
    }

    /// Goes on with the jobs that the former process left.
    func start() {
        do {
            for job in try reading.read({ try $0.runningReplays() }) {
                guard let body = JSONValue.read(Array(job.selection.utf8)), let selection = try? ReplaySelection(body)
                else {
                    logger.error("a replay job cannot be read and is cancelled", metadata: ["job": "\(job.id)"])
                    _ = try cancel(job.id)
                    continue
                }
                begin(job, selection)
            }
        } catch {
            logger.error("replay jobs cannot go on before the next start", metadata: ["cause": "\(error)"])
        }
    }

    /// Queues nothing any more; the jobs go on after the next start.
    func stop() {
        state.withLock { $0.isStopped = true }
        queue.sync {}
    }

    /// What came of asking for a replay.
    package enum Outcome: Sendable, Equatable {
        /// A dry run: so many deliveries would be queued now.
        case counted(Int)
        case created(ReplayJob)
    }

    /// Counts what a selection means for a subscription, or makes a job that queues it. The subscription exists. Blocks.
    package func create(
        _ selection: ReplaySelection, subscription: String, perSecond: Double?, isDryRun: Bool
    ) throws -> Outcome {
        let progress = try reading.read { try $0.progress(of: subscription) }
        let last = progress?.taken ?? 0
        guard !isDryRun else {
            return .counted(try count(selection, subscription, through: last, but: progress?.unfinished ?? []))
        }
        guard state.withLock({ $0.running.count }) < Self.mostRunning else {
            throw RouterError(.limitReached, "\(Self.mostRunning) replays run already; wait for one or cancel one")
        }
        let job = ReplayJob(
            subscription: subscription, selection: selection.json.text, perSecond: perSecond,
            position: max(1, selection.first ?? 1) - 1, last: min(last, selection.last ?? last),
            createdAtNanoseconds: wallNanoseconds())
        let added = try writer.perform { try $0.add(job) }
        begin(added, selection)
        return .created(added)
    }

    /// Ends a job: what it queued and nobody has begun is not sent. Returns nil where there is no such job. Blocks.
    package func cancel(_ id: Int64) throws -> ReplayJob? {
        guard let job = try reading.read({ try $0.replay(id: id) }) else { return nil }
        let now = wallNanoseconds()
        while try !writer.perform({ try $0.cancelReplay(id, rows: Self.mostPerStep, atNanoseconds: now) }) {}
        state.withLock { $0.running[id] = nil }
        outlets.cancelled(job.subscription, id)
        return try reading.read { try $0.replay(id: id) }
    }

    private func count(
        _ selection: ReplaySelection, _ subscription: String, through last: UInt64, but unfinished: Set<UInt64>
    ) throws -> Int {
        guard let matches = outlets.matcher(subscription) else { return 0 }
        let walk = ReplayWalk(selection, of: subscription, through: last, reading: reading, matches: matches)
        var (count, step) = (0, ReplayWalk.Step(position: 0))
        while !step.isAtEnd {
            step = try walk.step(after: step.position, most: Self.mostPerCount)
            count += step.positions.count { !unfinished.contains($0) }
        }
        return count
    }

    // MARK: Running

    private func begin(_ job: ReplayJob, _ selection: ReplaySelection) {
        let now = monotonicNanoseconds()
        let rate = job.perSecond.map {
            TokenBucket(perSecond: $0, most: TokenBucket.burst($0), tokens: 1, now: now)
        }
        let mustWake = state.withLock { state in
            state.running[job.id] = Running(job: job, selection: selection, rate: rate, savedAtNanoseconds: now)
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if mustWake { queue.async { self.turn() } }
    }

    /// One step of every job, then the next turn: soon while there is something to do, later while all have to wait.
    private func turn() {
        let jobs = state.withLock { state in
            if state.isStopped { state.running = [:] }
            if state.running.isEmpty { state.isScheduled = false }
            return state.running.values.sorted { $0.job.id < $1.job.id }
        }
        guard !jobs.isEmpty else { return }
        var outcomes: Set<Advance> = []
        for var running in jobs {
            do {
                outcomes.insert(try advance(&running))
            } catch {
                logger.warning(
                    "a replay has to wait", metadata: ["job": "\(running.job.id)", "cause": "\(error)"])
                return queue.asyncAfter(deadline: .now() + .seconds(1)) { self.turn() }
            }
            let advanced = running
            state.withLock { state in
                // A job that was cancelled meanwhile is not there any more.
                guard state.running[advanced.job.id] != nil else { return }
                state.running[advanced.job.id] = advanced.job.state == .running ? advanced : nil
            }
        }
        queue.asyncAfter(deadline: .now() + .milliseconds(wait(after: outcomes))) { self.turn() }
    }

    private func wait(after outcomes: Set<Advance>) -> Int {
        state.withLock { state in
            guard outcomes == [.waitsForLane] else {
                state.patienceMilliseconds = Self.shortWaitMilliseconds
                return outcomes.contains(.advanced) ? 0 : Self.rateWaitMilliseconds
            }
            defer { state.patienceMilliseconds = min(2 * state.patienceMilliseconds, Self.longWaitMilliseconds) }
            return state.patienceMilliseconds
        }
    }

    /// One step of one job.
    private func advance(_ running: inout Running) throws -> Advance {
        let (subscription, now) = (running.job.subscription, monotonicNanoseconds())
        let allowed = running.rate?.count(now: now) ?? .max
        guard allowed > 0 else { return .waitsForRate }
        let waiting = try reading.read { try $0.queuedReplayCount(subscription: subscription) }
        if !running.isFilling, waiting <= Self.mostQueued / 2 { running.isFilling = true }
        if waiting >= Self.mostQueued { running.isFilling = false }
        guard let matches = outlets.matcher(subscription) else {
            _ = try cancel(running.job.id)
            return .advanced
        }
        guard running.isFilling else { return .waitsForLane }
        let room = min(Self.mostQueued - waiting, Self.mostPerStep, allowed)
        let walk = ReplayWalk(
            running.selection, of: subscription, through: running.job.last, reading: reading, matches: matches)
        let step = try walk.step(after: running.job.position, most: room)
        var job = running.job
        job.position = step.position
        if step.isAtEnd {
            job.state = .finished
            job.finishedAtNanoseconds = wallNanoseconds()
        }
        var queued = 0
        // What a walk without a find loses in a crash is a second's work.
        if !step.positions.isEmpty || step.isAtEnd || now - running.savedAtNanoseconds > Self.saveInterval {
            let saved = job
            queued = try writer.perform { try $0.save(saved, queueing: step.positions) }
            running.savedAtNanoseconds = now
        }
        running.job = job
        running.rate?.take(queued, now: now)
        if queued > 0 { outlets.notify(subscription) }
        return .advanced
    }
}
