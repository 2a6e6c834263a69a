internal import Glibc
package import StageMetrics
internal import Synchronization
internal import Threads
package import Wire
internal import ZeroMQ

/// What the ingress' side of the bus needs to know.
package struct IngressBusSettings: Sendable {
    package var runDirectory: RunDirectory
    package var instance: String
    package var maxBodyBytes: Int
    package var windowRecords: Int
    package var windowBytes: Int
    package var verdictTimeoutNanoseconds: Int64
    /// Of its metrics and of its thread, where a process holds a bus for each of several routers.
    package var labels: [(String, String)]
    package var threadName: String

    package init(
        runDirectory: RunDirectory, instance: String, maxBodyBytes: Int, windowRecords: Int = 16_384,
        windowBytes: Int = 64 << 20, verdictTimeoutNanoseconds: Int64 = 250_000_000,
        labels: [(String, String)] = [], threadName: String = "bus"
    ) {
        (self.labels, self.threadName) = (labels, threadName)
        self.runDirectory = runDirectory
        self.instance = instance
        self.maxBodyBytes = maxBodyBytes
        self.windowRecords = windowRecords
        self.windowBytes = windowBytes
        self.verdictTimeoutNanoseconds = verdictTimeoutNanoseconds
    }
}

/// Whoever owns the journal. All calls come from the bus thread and must not block.
package protocol IngressBusDelegate: AnyObject, Sendable {
    /// Every journaled sequence gets exactly one answer.
    func answer(_ answers: [AnswerRange])
    /// The verifiers' verdicts on webhooks of this journal, as they come: some more than once, some never.
    func judged(_ entries: [VerdictNotice.Entry])
    /// The journal may forget everything up to here.
    func settled(through watermark: UInt64)
    /// Wants `IngressBus.loaded` soon, from the journal's thread, with records from `sequence` on.
    func readBack(from sequence: UInt64, maxRecords: Int, maxBytes: Int)
    /// The journal is an old copy: wants a new identity, then `IngressBus.renumbered`.
    func renumber()
    /// This record killed every worker that held it; it travels on as a tombstone.
    func gaveUp(sequence: UInt64)
}

extension IngressBusDelegate {
    /// For whoever keeps no record of senders.
    package func judged(_ entries: [VerdictNotice.Entry]) {}
}

/// The ingress' side of the bus: one thread that owns its sockets. All methods may be called from any thread.
package final class IngressBus: Sendable {
    enum Mail: Sendable {
        case journaled([RecordBatch])
        case loaded([RecordBatch])
        case renumbered(JournalID, firstRetained: UInt64, nextSequence: UInt64)
        case stop
    }

    private let settings: IngressBusSettings
    private let initial: IngressCore
    private let metrics: MetricRegistry
    private let mailbox = Mailbox<Mail>()
    private let thread = Mutex<BlockingThread?>(nil)
    private let linked = Atomic<Bool>(false)
    package let refusals: LinkRefusals

    package init(
        settings: IngressBusSettings, journal: JournalID, firstRetained: UInt64, nextSequence: UInt64,
        metrics: MetricRegistry, refusals: LinkRefusals
    ) {
        self.settings = settings
        self.metrics = metrics
        self.refusals = refusals
        initial = IngressCore(
            journal: journal, firstRetained: firstRetained, nextSequence: nextSequence,
            windowRecords: settings.windowRecords, windowBytes: settings.windowBytes,
            verdictTimeoutNanoseconds: settings.verdictTimeoutNanoseconds)
    }

    /// Binds the sockets and starts the thread.
    package func start(delegate: any IngressBusDelegate) {
        let (settings, core, metrics, mailbox) = (settings, initial, metrics, mailbox)
        let started = BlockingThread(name: "bus") { [self] in
            runBusLoop(settings.instance) {
                let loop = try IngressLoop(
                    settings: settings, core: core, metrics: metrics, refusals: refusals, mailbox: mailbox,
                    delegate: delegate)
                try loop.run { linked.store($0, ordering: .relaxed) }
                settings.runDirectory.removeSockets(of: settings.instance)
            }
        }
        thread.withLock { $0 = started }
    }

    /// Records that are on disk now, in the order of their sequences.
    package func journaled(_ batches: [RecordBatch]) { mailbox.post(.journaled(batches)) }

    /// The answer to `readBack`; empty when there is nothing.
    package func loaded(_ batches: [RecordBatch]) { mailbox.post(.loaded(batches)) }

    package func renumbered(id: JournalID, firstRetained: UInt64, nextSequence: UInt64) {
        mailbox.post(.renumbered(id, firstRetained: firstRetained, nextSequence: nextSequence))
    }

    /// Ends the thread and waits for it.
    package func stop() {
        mailbox.post(.stop)
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    /// Whether a verifier works for this ingress and a router takes its records at present.
    package var isLinked: Bool { linked.load(ordering: .relaxed) }
}

/// Runs a bus loop; a socket that fails for good ends the process with a sentence, and the supervisor starts it anew.
func runBusLoop(_ instance: String, _ body: () throws -> Void) {
    do {
        try body()
    } catch {
        let sentence = "\(instance): the bus failed and the process ends, to be started again: \(error)\n"
        _ = sentence.withCString { write(2, $0, strlen($0)) }
        exit(EX_IOERR)
    }
}
