package import CommitLog
internal import Glibc
package import Journal
package import StageMetrics
internal import Synchronization
internal import Threads
internal import Wire

/// The thread that owns the journal: takes all webhooks that wait, gives them their sequences and makes them durable
/// with one fsync, then hands them to the bus. The way's second step; no 2xx leaves before it.
///
/// Next: `Shared/Bus/Ingress/IngressBus.swift`.
package final class JournalThread: Sendable {
    private let mailbox: JournalMailbox
    private let delegate: any IntakeDelegate
    private let state: JournalState
    private let metrics: JournalMetrics
    private let heartbeat: Heartbeat
    private let report: @Sendable (String) -> Void
    private let failed: @Sendable (LogError) -> Void
    private let thread = Mutex<BlockingThread?>(nil)

    /// `report` gets sentences for the log: rare things, never one per webhook. `failed` is told, once, when the disk
    /// failed: nothing is taken in any more, and only another start can tell what is on the disk.
    package init(
        mailbox: JournalMailbox, delegate: any IntakeDelegate, state: JournalState, metrics: JournalMetrics,
        heartbeat: Heartbeat, report: @escaping @Sendable (String) -> Void,
        failed: @escaping @Sendable (LogError) -> Void
    ) {
        self.mailbox = mailbox
        self.delegate = delegate
        self.state = state
        self.metrics = metrics
        self.heartbeat = heartbeat
        self.report = report
        self.failed = failed
    }

    /// Opens the journal on the new thread and makes the bus from what it says of itself; throws what opening throws.
    /// `connect` is called on that thread.
    package func start<Port: BusPort>(
        open: @escaping @Sendable () throws -> Journal,
        connect: @escaping @Sendable (Journal) throws -> Port
    ) throws -> Port {
        let outcome = Promise<Port>()
        let started = BlockingThread(name: "journal") { [self] in
            do {
                let journal = try open()
                let bus = try connect(journal)
                let turn = JournalTurn(
                    journal: journal, bus: bus, delegate: delegate, state: state, metrics: metrics, report: report,
                    failed: failed)
                outcome.give(.success(bus))
                while turn.run(mailbox.take(within: turn.patienceMilliseconds)) {
                    heartbeat.beat()
                    turn.pace()
                }
                try? journal.close()
            } catch {
                outcome.give(.failure(error))
            }
        }
        thread.withLock { $0 = started }
        return try outcome.wait().get()
    }

    /// Commits what waits and ends the thread.
    package func stop() {
        mailbox.stop()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }
}

/// What the journal's thread does each time it wakes up.
final class JournalTurn {
    let journal: Journal
    let bus: any BusPort
    let delegate: any IntakeDelegate
    let state: JournalState
    let metrics: JournalMetrics
    let report: @Sendable (String) -> Void
    let failed: @Sendable (LogError) -> Void
    private var ages = UnsettledAges()
    private var lastErrorCode: LogError.Code?
    private var lastCommitStarted: Int64 = 0
    /// Whether the last commit was of one webhook whose sender alone waits for an answer: most likely it sends the next one
    /// when it has it, and a pause would bring it no company.
    private var senderIsAlone = false
    /// The identity that the journal is taking, until all of it has.
    private var newID: JournalID?
    /// What the bus waits for; tried again in the next turn where it could not be read.
    private var wanted: JournalWork.ReadBack?
    /// Whether there is something to do for the journal when nothing else is.
    private var hasIdleWork = true

    init(
        journal: Journal, bus: any BusPort, delegate: any IntakeDelegate, state: JournalState,
        metrics: JournalMetrics, report: @escaping @Sendable (String) -> Void,
        failed: @escaping @Sendable (LogError) -> Void
    ) {
        self.journal = journal
        self.bus = bus
        self.delegate = delegate
        self.state = state
        self.metrics = metrics
        self.report = report
        self.failed = failed
        let oldest = try? journal.read(from: journal.watermark + 1, maxRecords: 1, maxBytes: 1).first
        if let oldest { note(oldest) }
        publish()
    }

    /// How long to sleep when nothing comes.
    var patienceMilliseconds: Int { hasIdleWork ? 100 : 500 }

    /// While commits follow one another, lets so much time pass between their beginnings that each has more to carry:
    /// a commit, and a batch at every hop behind it, costs nearly the same whether it holds five webhooks or fifty.
    /// After a pause the first webhook is committed at once, and so are those of a sender that is alone.
    func pace() {
        guard !senderIsAlone else { return }
        let elapsed = monotonicNanoseconds() - lastCommitStarted
        guard elapsed < IntakeLimits.commitIntervalNanoseconds else { return }
        usleep(UInt32((IntakeLimits.commitIntervalNanoseconds - elapsed) / 1_000))
    }

    /// Does one turn's work. False when the thread shall end.
    func run(_ work: consuming JournalWork) -> Bool {
        let started = monotonicNanoseconds()
        let isIdle = work.isEmpty
        // Taken out, so that nobody else holds the bytes when they are sealed.
        var batches = work.batches
        work.batches = []
        let takesIn = !batches.isEmpty
        if work.settledThrough > 0 {
            attempt { () throws(LogError) in try journal.settle(through: work.settledThrough) }
            ages.settle(through: journal.watermark, next: journal.nextSequence)
        }
        if work.renumbers { newID = newID ?? .random() }
        if let newID { renumber(newID) }
        while !batches.isEmpty { commit(&batches) }
        wanted = work.readBack ?? wanted
        if let wanted { readBack(wanted) }
        hasIdleWork = true
        if isIdle { attempt { () throws(LogError) in hasIdleWork = try journal.idle() } }
        publish()
        if takesIn { metrics.processing.record(nanoseconds: monotonicNanoseconds() - started) }
        return !work.stops
    }

    /// Stores as many batches as one commit may hold and passes them on.
    private func commit(_ batches: inout [PendingBatch]) {
        var (count, bytes) = (0, 0)
        for batch in batches {
            bytes += batch.records.byteCount
            guard count == 0 || bytes <= journal.commitBytes else { break }
            count += 1
        }
        let tokens = count == 1 ? batches[0].tokens : batches[..<count].flatMap(\.tokens)
        var records = batches[..<count].map(\.records)
        batches.removeFirst(count)
        metrics.recordsIn.add(tokens.count)
        metrics.batchesIn.add(count)
        let first = journal.nextSequence
        let started = monotonicNanoseconds()
        lastCommitStarted = started
        do throws(LogError) {
            records = try journal.append(consume records)
            metrics.fsync.record(nanoseconds: monotonicNanoseconds() - started)
            // Published before quotas forget what was on its way, so that they never see less than there is.
            publish()
            let hasOthers = delegate.journaled(tokens, first: first, journal: journal.id, at: started)
            senderIsAlone = tokens.count == 1 && !hasOthers
            if let newest = records.first { note(newest) }
            bus.journaled(records)
        } catch {
            note(error)
            delegate.refused(tokens, error)
        }
    }

    private func readBack(_ wanted: JournalWork.ReadBack) {
        attempt { () throws(LogError) in
            let batches = try journal.read(
                from: wanted.sequence, maxRecords: wanted.maxRecords, maxBytes: wanted.maxBytes)
            bus.loaded(batches.map(sound))
            self.wanted = nil
        }
    }

    private func sound(_ batch: RecordBatch) -> RecordBatch {
        if batch.isWhole { return batch }
        report(
            "the disk has damaged the webhooks \(batch.first) to \(batch.last) of the journal \(journal.id): they go into "
                + "quarantine")
        return DamagedRecords.replaced(batch, journal: journal.id, nowNanoseconds: wallNanoseconds())
    }

    /// Tried again in the next turn where there is no space for it.
    private func renumber(_ id: JournalID) {
        let old = journal.id
        attempt { () throws(LogError) in
            try journal.renumber(newID: id)
            newID = nil
            delegate.renumbered(next: journal.nextSequence)
            report(
                "the journal \(old) is an older copy than what the router has seen; it is now \(id), and what came in "
                    + "since its start has new numbers from \(journal.watermark + 1) on")
            bus.renumbered(id: id, firstRetained: journal.watermark + 1, nextSequence: journal.nextSequence)
        }
        ages = UnsettledAges()
        if let oldest = try? journal.read(from: journal.watermark + 1, maxRecords: 1, maxBytes: 1).first {
            note(oldest)
        }
    }

    private func attempt(_ body: () throws(LogError) -> Void) {
        do throws(LogError) { try body() } catch { note(error) }
    }

    private func note(_ error: LogError) {
        guard lastErrorCode != error.code else { return }
        lastErrorCode = error.code
        report("journal_\(error)")
        state.lastError.withLock { $0 = error }
        switch error.code {
        case .full, .overBudget, .tooLarge: break
        default: failed(error)
        }
    }

    private func recovered() {
        guard let code = lastErrorCode, code == .full || code == .overBudget else { return }
        lastErrorCode = nil
        state.lastError.withLock { $0 = nil }
        report("the journal takes webhooks again after journal_\(code.rawValue)")
    }

    private func publish() {
        state.nextSequence.store(journal.nextSequence, ordering: .relaxed)
        state.watermark.store(journal.watermark, ordering: .relaxed)
        state.retainedBytes.store(journal.retainedBytes, ordering: .relaxed)
        state.oldestUnsettledNanoseconds.store(ages.oldestNanoseconds, ordering: .relaxed)
        let shortage = journal.shortage
        state.mode.store(JournalState.Mode(shortage), ordering: .relaxed)
        if let shortage { note(shortage) } else { recovered() }
    }

    private func note(_ batch: RecordBatch) {
        if let received = batch.receivedAtNanoseconds { ages.note(first: batch.first, receivedAtNanoseconds: received) }
    }
}
