import Bus
import Dispatch
package import EventLog
import Glibc
import Logging
import StageMetrics
import Synchronization
package import Wire

/// The log thread: takes all batches that wait, writes them in one commit, then tells the bus, the tap and the lanes.
///
/// `@unchecked Sendable`: `log`, `intake` and `pending` are touched on `queue` only, but for what `EventLog` allows any
/// thread, which is done on `upkeep`; `saidJump` and `isClosed` there only. Everything else is a constant or behind a lock.
package final class LogWriter: RouterBusDelegate, @unchecked Sendable {
    /// Most records that go into one commit.
    static let recordsPerCommit = 4096
    /// A commit that has grown to this many bytes takes no further batch.
    static let bytesPerCommit = 4 << 20

    /// What follows a commit. Called on the log thread.
    struct Outlets: Sendable {
        /// Tells the ingresses what is settled.
        var committed: @Sendable ([(journal: JournalID, watermark: UInt64)]) -> Void
        /// Gives the records to whoever taps.
        var publish: @Sendable (RecordBatch) -> Void
        /// Gives new rows to the lanes; the second is the position after the newest event.
        var feed: @Sendable ([EventBatch], UInt64) -> Void
        /// Is told when the disk failed: nothing is taken any more, the next start finds out what is on it.
        var failed: @Sendable (EventLogError) -> Void = { _ in }
    }

    private struct Inbox {
        var batches: [RecordBatch] = []
        var forced: [(journal: JournalID, watermark: UInt64)] = []
        var own: [OwnEvent] = []
        var progress: [LaneProgress] = []
        var saved: [@Sendable () -> Void] = []
        var isScheduled = false
        /// When the oldest waiting batch came; monotonic nanoseconds.
        var waitingSince: Int64?

        var isEmpty: Bool {
            batches.isEmpty && forced.isEmpty && own.isEmpty && progress.isEmpty && saved.isEmpty
        }
    }

    /// A commit in the making; kept while the disk is full.
    private struct Pending {
        var transaction: LogTransaction
        var batches: [RecordBatch]
        var saved: [@Sendable () -> Void]
        /// Monotonic nanoseconds.
        let startedNanoseconds = monotonicNanoseconds()
        var failures = 0
    }

    private let queue = DispatchQueue(label: "event-log")
    /// For what waits for the state, which commits must not.
    private let upkeep = DispatchQueue(label: "event-log-upkeep")
    private let inbox = Mutex(Inbox())
    private let failure = Mutex<EventLogError?>(nil)
    private let deadLetters = Mutex<[String: Int]>([:])
    private let log: any EventLog
    private var intake: Intake
    private var pending: Pending?
    /// How far the wall clock was set when that was said last; nanoseconds.
    private var saidJump: Int64 = 0
    private var isClosed = false
    private let settings: EventLogSettings
    private let metrics: IntakeMetrics
    private let logger: Logger
    private let outlets: Outlets

    init(
        log: any EventLog, settings: EventLogSettings, watermarks: [JournalID: UInt64], metrics: IntakeMetrics,
        logger: Logger, outlets: Outlets
    ) {
        self.log = log
        self.settings = settings
        self.metrics = metrics
        self.logger = logger
        self.outlets = outlets
        intake = Intake(watermarks: watermarks, metrics: metrics)
    }

    /// What keeps the log from taking anything; nil while it works. A full disk heals by itself, the rest does not.
    var problem: EventLogError? { failure.withLock { $0 } }

    // MARK: Bus thread

    package func received(_ batches: [RecordBatch]) {
        leave { inbox in
            inbox.batches += batches
            inbox.waitingSince = inbox.waitingSince ?? monotonicNanoseconds()
        }
    }

    package func watermarkForced(journal: JournalID, to watermark: UInt64) {
        logger.critical(
            """
            webhooks are gone for good: their ingress no longer has them and they never reached this event log, or it is \
            an older copy of the one that they reached; it goes on under a new id
            """,
            metadata: ["journal": "\(journal)", "through_sequence": "\(watermark)"])
        leave { $0.forced.append((journal, watermark)) }
    }

    package func refused(journal: JournalID, reason: String) {
        logger.critical(
            "an ingress is refused, its webhooks wait on its disk",
            metadata: ["journal": "\(journal)", "reason": "\(reason)"])
    }

    // MARK: Any thread

    /// Takes events of this gateway itself into the log, with the next commit.
    func append(_ events: [OwnEvent]) { leave { $0.own += events } }

    /// Saves the progress of lanes with the next commit; `saved` runs on the log thread.
    func save(_ progress: [LaneProgress], saved: @escaping @Sendable () -> Void) {
        leave { inbox in
            inbox.progress += progress
            inbox.saved.append(saved)
        }
    }

    /// Saves cursors of watchers; `saved` runs on another thread and says whether they are on disk.
    func save(cursors: [String: UInt64], saved: @escaping @Sendable (Bool) -> Void) {
        upkeep.async { [self] in
            saved((try? log.save(cursors: cursors, atNanoseconds: wallNanoseconds())) != nil)
        }
    }

    /// Uses the log on its own thread and waits.
    package func perform<Value>(_ body: (any EventLog) throws -> Value) throws -> Value {
        try queue.sync { try body(log) }
    }

    /// Records that wait for a commit and how long the oldest batch of them has waited.
    var backlog: (records: Int, oldestSeconds: Double) {
        inbox.withLock { inbox in
            let records = inbox.batches.reduce(0) { $0 + $1.count }
            let waited = inbox.waitingSince.map { Double(monotonicNanoseconds() - $0) / 1e9 } ?? 0
            return (records, waited)
        }
    }

    /// How many rows of dead letters each subscription had a second ago.
    var deadLetterCounts: [String: Int] { deadLetters.withLock { $0 } }

    /// Drops what is over age and size, a few rows at a time, for as long as this object lives; shows with each step
    /// that the log thread moves.
    func startRetention(_ heartbeat: Heartbeat) {
        upkeep.asyncAfter(deadline: .now() + .seconds(1)) { [weak self] in self?.dropExpired(heartbeat) }
    }

    /// Waits until everything left so far is written or the log has a problem.
    func flush() {
        while problem == nil, inbox.withLock({ $0.isScheduled }) { queue.sync {} }
    }

    /// Closes the log; nothing may be written afterwards.
    func close() {
        upkeep.sync {
            isClosed = true
            queue.sync { log.close() }
        }
    }

    private func leave(_ change: (inout Inbox) -> Void) {
        let mustWake = inbox.withLock { inbox in
            change(&inbox)
            defer { inbox.isScheduled = true }
            return !inbox.isScheduled
        }
        if mustWake { queue.async { self.run() } }
    }

    // MARK: Log thread

    private func run() {
        if pending == nil {
            guard let work = takeWork() else { return }
            do {
                pending = try prepare(work)
            } catch {
                return stop(EventLogError(error))
            }
        }
        let started = monotonicNanoseconds()
        guard let work = pending, commit(work) else { return }
        pending = nil
        let rest = Self.commitIntervalNanoseconds - (monotonicNanoseconds() - started)
        // A timer would cost two more switches of threads; whoever else wants this thread can wait for a few milliseconds.
        if rest > 0 { usleep(UInt32(rest / 1_000)) }
        queue.async { self.run() }
    }

    /// Commits begin at least this long after one another, so that each has more to carry: a commit costs nearly the
    /// same whether it holds five events or fifty. Less than a verifier gathers, so that its batches do not wait again.
    private static let commitIntervalNanoseconds: Int64 = 2_000_000

    /// What waits, bounded; nil where nothing does, and then the next `leave` wakes this thread.
    private func takeWork() -> Inbox? {
        inbox.withLock { inbox in
            guard !inbox.isEmpty else {
                inbox.isScheduled = false
                return nil
            }
            var work = Inbox()
            var records = 0
            let count = inbox.batches.prefix { batch in
                records += batch.count
                return records <= Self.recordsPerCommit
            }.count
            work.batches = Array(inbox.batches.prefix(max(1, count)))
            inbox.batches.removeFirst(work.batches.count)
            inbox.waitingSince = inbox.batches.isEmpty ? nil : monotonicNanoseconds()
            swap(&work.forced, &inbox.forced)
            swap(&work.own, &inbox.own)
            swap(&work.progress, &inbox.progress)
            swap(&work.saved, &inbox.saved)
            return work
        }
    }

    private func prepare(_ work: Inbox) throws -> Pending {
        var transaction = LogTransaction(
            settings: settings, takenAtNanoseconds: wallNanoseconds(),
            expectedRecords: work.batches.reduce(0) { $0 + $1.count },
            expectedBytes: work.batches.reduce(0) { $0 + $1.byteCount })
        if !work.forced.isEmpty { try log.takeNewID() }
        for (journal, watermark) in work.forced { intake.force(journal, to: watermark, &transaction) }
        for event in work.own { _ = log.admit(event, to: &transaction) }
        let taken = try work.batches.prefix { batch in
            guard transaction.byteCount < Self.bytesPerCommit else { return false }
            try intake.take(batch, log: log, into: &transaction)
            return true
        }
        if taken.count < work.batches.count {
            inbox.withLock { $0.batches.insert(contentsOf: work.batches[taken.count...], at: 0) }
        }
        transaction.progress = work.progress
        return Pending(transaction: transaction, batches: Array(taken), saved: work.saved)
    }

    /// Returns whether the thread may go on.
    private func commit(_ work: Pending) -> Bool {
        let started = monotonicNanoseconds()
        do {
            let rows = work.transaction.isEmpty ? [] : try log.commit(work.transaction)
            metrics.commit.record(nanoseconds: monotonicNanoseconds() - started)
            if work.failures > 0 {
                failure.withLock { $0 = nil }
                logger.notice("the event log takes events again")
            }
            succeed(work, rows)
            return true
        } catch {
            metrics.commitFailures.add(1)
            guard error.code == .diskFull || error.code == .busy else {
                stop(error)
                return false
            }
            failure.withLock { $0 = error }
            if work.failures == 0 {
                logger.error(
                    "the event log cannot write; nothing is lost, it tries again", metadata: ["cause": "\(error)"])
            }
            pending?.failures += 1
            let wait = min(5000, 100 << min(work.failures, 6))
            queue.asyncAfter(deadline: .now() + .milliseconds(wait)) { self.run() }
            return false
        }
    }

    private func succeed(_ work: Pending, _ rows: [EventBatch]) {
        // Together, so that they wake the bus thread once.
        for batch in work.batches { outlets.publish(batch) }
        outlets.committed(work.transaction.watermarks.map { ($0.key, $0.value) })
        if !rows.isEmpty { outlets.feed(rows, log.nextPosition) }
        for saved in work.saved { saved() }
        metrics.batches.add(work.batches.count)
        metrics.eventsOut.add(work.transaction.eventCount)
        metrics.earlyEvictions.set(Double(log.earlyEvictions))
        if !work.batches.isEmpty {
            metrics.processing.record(
                nanoseconds: monotonicNanoseconds() - work.startedNanoseconds, count: work.batches.count)
        }
    }

    private func stop(_ error: EventLogError) {
        failure.withLock { $0 = error }
        logger.critical("the event log accepts nothing any more", metadata: ["cause": "\(error)"])
        outlets.failed(error)
    }

    // MARK: Upkeep

    /// Dead letters that are dropped unread are counted at once and said now and then.
    private func sayDisplaced() {
        let new = log.displacedDeadLetters - metrics.displacedDeadLetters.value
        guard new > 0 else { return }
        metrics.displacedDeadLetters.add(new)
        logger.warning(
            "the oldest dead letters of a subscription made room for later ones", metadata: ["dropped": "\(new)"])
    }

    /// Ages go on by the monotonic clock, so nothing is dropped for it; but times that are shown are others from now on.
    private func sayClockJump() {
        let jump = clockJumpNanoseconds()
        guard abs(jump - saidJump) >= 1_000_000_000 else { return }
        logger.warning(
            "clock_jump: the wall clock was set; nothing becomes older or younger for it",
            metadata: ["seconds": "\(Double(jump - saidJump) / 1e9)"])
        saidJump = jump
    }

    private func dropExpired(_ heartbeat: Heartbeat) {
        // Another may have the log's folder by now.
        guard !isClosed else { return }
        sayClockJump()
        let limit = 128
        var dropped = 0
        do {
            let now = steadyNanoseconds()
            dropped = try log.dropExpired(nowNanoseconds: now, rows: limit)
            dropped = max(dropped, try log.dropAgedQuarantine(nowNanoseconds: now, rows: limit))
        } catch {
            sayRetentionFailed(EventLogError(error))
        }
        metrics.quarantine(log.quarantineUse)
        deadLetters.withLock { $0 = log.deadLetterCounts }
        sayDisplaced()
        queue.async { self.trim(heartbeat) }
        let wait: DispatchTimeInterval = dropped == limit ? .milliseconds(20) : .seconds(1)
        upkeep.asyncAfter(deadline: .now() + wait) { [weak self] in self?.dropExpired(heartbeat) }
    }

    private func sayRetentionFailed(_ cause: EventLogError) {
        if cause.code == .storageFailed, problem?.code != .storageFailed { stop(cause) }
        logger.error("what is over age cannot be dropped", metadata: ["cause": "\(cause)"])
    }

    /// On the log thread.
    private func trim(_ heartbeat: Heartbeat) {
        heartbeat.beat()
        do throws(EventLogError) {
            try log.trim()
            if inbox.withLock({ !$0.isScheduled }) { try log.idle() }
        } catch {
            sayRetentionFailed(error)
        }
    }
}
