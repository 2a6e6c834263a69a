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
    private let thread = Mutex<BlockingThread?>(nil)

    /// `report` gets sentences for the log: rare things, never one per webhook.
    package init(
        mailbox: JournalMailbox, delegate: any IntakeDelegate, state: JournalState, metrics: JournalMetrics,
        heartbeat: Heartbeat, report: @escaping @Sendable (String) -> Void
    ) {
        self.mailbox = mailbox
        self.delegate = delegate
        self.state = state
        self.metrics = metrics
        self.heartbeat = heartbeat
        self.report = report
    }

    /// Opens the journal on the new thread and makes the bus from what it says of itself; throws what opening throws.
    /// `connect` is called on that thread.
    package func start<Port: BusPort>(
        open: @escaping @Sendable () throws -> any Journal,
        connect: @escaping @Sendable (any Journal) throws -> Port
    ) throws -> Port {
        let outcome = Promise<Port>()
        let started = BlockingThread(name: "journal") { [self] in
            do {
                let journal = try open()
                let bus = try connect(journal)
                let turn = JournalTurn(
                    journal: journal, bus: bus, delegate: delegate, state: state, metrics: metrics, report: report)
                outcome.give(.success(bus))
                while turn.run(mailbox.take(within: turn.patienceMilliseconds)) {
                    heartbeat.beat()
                    turn.pace()
                }
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
    let journal: any Journal
    let bus: any BusPort
    let delegate: any IntakeDelegate
    let state: JournalState
    let metrics: JournalMetrics
    let report: @Sendable (String) -> Void
    private var ages = UnsettledAges()
    private var lastErrorCode: JournalError.Code?
    private var lastCommitStarted: Int64 = 0

    init(
        journal: any Journal, bus: any BusPort, delegate: any IntakeDelegate, state: JournalState,
        metrics: JournalMetrics, report: @escaping @Sendable (String) -> Void
    ) {
        self.journal = journal
        self.bus = bus
        self.delegate = delegate
        self.state = state
        self.metrics = metrics
        self.report = report
        let oldest = try? journal.read(from: journal.watermark + 1, maxRecords: 1, maxBytes: 1).first
        if let oldest { note(oldest) }
        publish()
    }

    /// How long to sleep when nothing comes: shorter while settled batches wait to be deleted.
    var patienceMilliseconds: Int { journal.hasSettledBatches ? 50 : 500 }

    /// While commits follow one another, lets so much time pass between their beginnings that each has more to carry:
    /// a commit, and a batch at every hop behind it, costs nearly the same whether it holds five webhooks or fifty.
    /// After a pause the first webhook is committed at once.
    func pace() {
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
            journal.settle(through: work.settledThrough)
            ages.settle(through: journal.watermark, next: journal.nextSequence)
        }
        if work.renumbers { renumber() }
        while !batches.isEmpty { commit(&batches) }
        if let wanted = work.readBack { readBack(wanted) }
        if isIdle { attempt { () throws(JournalError) in try journal.tidy() } }
        publish()
        if takesIn { metrics.processing.record(nanoseconds: monotonicNanoseconds() - started) }
        return !work.stops
    }

    /// Commits as many batches as one transaction may hold and passes them on.
    private func commit(_ batches: inout [PendingBatch]) {
        var group: [RecordBatch] = []
        var tokens: [ReplyToken] = []
        var bytes = 0
        while let size = batches.first?.byteCount, group.isEmpty || bytes + size <= IntakeLimits.commitBytes {
            let next = batches.removeFirst()
            bytes += size
            group.append(RecordBatch(joining: next.pieces))
            tokens += next.tokens
        }
        metrics.recordsIn.add(tokens.count)
        metrics.batchesIn.add(group.count)
        let first = journal.nextSequence
        let started = monotonicNanoseconds()
        lastCommitStarted = started
        do throws(JournalError) {
            let sealed = try journal.append(consume group)
            metrics.fsync.record(nanoseconds: monotonicNanoseconds() - started)
            // Published before quotas forget what was on its way, so that they never see less than there is.
            publish()
            delegate.journaled(tokens, first: first, journal: journal.id, at: started)
            if let newest = sealed.first { note(newest) }
            bus.journaled(sealed)
            recovered()
        } catch {
            failed(error)
            delegate.refused(tokens, error)
        }
    }

    private func readBack(_ wanted: JournalWork.ReadBack) {
        attempt { () throws(JournalError) in
            let batches = try journal.read(
                from: wanted.sequence, maxRecords: wanted.maxRecords, maxBytes: wanted.maxBytes)
            bus.loaded(batches.map(sound))
        }
    }

    private func sound(_ batch: RecordBatch) -> RecordBatch {
        let checked = DamagedRecords.replaced(in: batch, journal: journal.id, nowNanoseconds: wallNanoseconds())
        for sequence in checked.damaged {
            report("the disk changed webhook \(sequence) of the journal \(journal.id): it goes into quarantine")
        }
        return checked.batch
    }

    private func renumber() {
        let old = journal.id
        attempt { () throws(JournalError) in
            try journal.renumber(newID: .random())
            delegate.renumbered(next: journal.nextSequence)
            report(
                "the journal \(old) is an older copy than what the router has seen; it is now \(journal.id) and has "
                    + "numbered its \(journal.nextSequence - 1) unsettled webhooks anew")
            bus.renumbered(
                id: journal.id, firstRetained: journal.firstRetained, nextSequence: journal.nextSequence)
        }
        ages = UnsettledAges()
        if let oldest = try? journal.read(from: 1, maxRecords: 1, maxBytes: 1).first { note(oldest) }
    }

    private func attempt(_ body: () throws(JournalError) -> Void) {
        do throws(JournalError) { try body() } catch { failed(error) }
    }

    private func failed(_ error: JournalError) {
        if error.code == .overBudget { state.mode.store(.overBudget, ordering: .relaxed) }
        if error.code == .failed { state.mode.store(.failed, ordering: .relaxed) }
        if lastErrorCode != error.code {
            report(error.description)
            state.lastError.withLock { $0 = error }
        }
        lastErrorCode = error.code
    }

    private func recovered() {
        guard let code = lastErrorCode else { return }
        lastErrorCode = nil
        state.lastError.withLock { $0 = nil }
        report("the journal takes webhooks again after \(code.rawValue)")
    }

    private func publish() {
        state.nextSequence.store(journal.nextSequence, ordering: .relaxed)
        state.watermark.store(journal.watermark, ordering: .relaxed)
        state.retainedBytes.store(journal.retainedBytes, ordering: .relaxed)
        state.oldestUnsettledNanoseconds.store(ages.oldestNanoseconds, ordering: .relaxed)
        if state.mode.load(ordering: .relaxed) == .overBudget, journal.hasSettledBatches || journal.retainedBytes == 0 {
            state.mode.store(.accepting, ordering: .relaxed)
        }
    }

    private func note(_ batch: RecordBatch) {
        if let received = batch.receivedAtNanoseconds { ages.note(first: batch.first, receivedAtNanoseconds: received) }
    }
}
