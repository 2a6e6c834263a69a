internal import Glibc
package import StageMetrics
internal import Synchronization
internal import Threads
package import Wire
internal import ZeroMQ

/// What the router's side of the bus needs to know.
package struct RouterBusSettings: Sendable {
    package var runDirectory: RunDirectory
    package var instance: String
    package var maxBodyBytes: Int
    /// What the windows of all ingresses together may take.
    package var reorderBudgetBytes: Int

    package init(runDirectory: RunDirectory, instance: String, maxBodyBytes: Int, reorderBudgetBytes: Int = 512 << 20) {
        self.runDirectory = runDirectory
        self.instance = instance
        self.maxBodyBytes = maxBodyBytes
        self.reorderBudgetBytes = reorderBudgetBytes
    }
}

/// Whoever owns the log. All calls come from the bus thread and must not block.
package protocol RouterBusDelegate: AnyObject, Sendable {
    /// Consecutive records of one journal each, in order per journal, each sequence once; their checksums are checked.
    func received(_ batches: [RecordBatch])
    /// The router's store was lost below `watermark` and the ingress has the records no more: store it and say it loudly.
    func watermarkForced(journal: JournalID, to watermark: UInt64)
    /// An ingress' window cannot be reserved, so nothing of it is taken; say it loudly.
    func refused(journal: JournalID, reason: String)
}

/// The router's side of the bus: one thread that owns its sockets. All methods may be called from any thread.
package final class RouterBus: Sendable {
    enum Mail: Sendable {
        case committed([(journal: JournalID, watermark: UInt64)])
        case publish(RecordBatch)
        case stop
    }

    private let settings: RouterBusSettings
    private let bootID: UInt64
    private let watermarks: [JournalID: UInt64]
    private let metrics: MetricRegistry
    private let mailbox = Mailbox<Mail>()
    private let thread = Mutex<BlockingThread?>(nil)
    private let listening = Atomic<Bool>(false)
    private let linked = Atomic<Int>(0)
    package let refusals: LinkRefusals

    /// `watermarks`: what the store knows of every journal. `bootID`: random per process start.
    package init(
        settings: RouterBusSettings, bootID: UInt64, watermarks: [JournalID: UInt64], metrics: MetricRegistry,
        refusals: LinkRefusals
    ) {
        self.settings = settings
        self.bootID = bootID
        self.watermarks = watermarks
        self.metrics = metrics
        self.refusals = refusals
    }

    /// Binds the tap, connects to everybody and starts the thread.
    package func start(delegate: any RouterBusDelegate) {
        let (settings, bootID, watermarks, metrics, mailbox) = (settings, bootID, watermarks, metrics, mailbox)
        let started = BlockingThread(name: "bus") { [self] in
            runBusLoop(settings.instance) {
                let loop = try RouterLoop(
                    settings: settings, bootID: bootID, watermarks: watermarks, metrics: metrics, refusals: refusals,
                    mailbox: mailbox, delegate: delegate)
                try loop.run { hasListeners, links in
                    listening.store(hasListeners, ordering: .relaxed)
                    linked.store(links, ordering: .relaxed)
                }
                settings.runDirectory.removeSockets(of: settings.instance)
            }
        }
        thread.withLock { $0 = started }
    }

    /// The log has everything of these journals up to these watermarks on disk.
    package func committed(_ watermarks: [(journal: JournalID, watermark: UInt64)]) {
        mailbox.post(.committed(watermarks))
    }

    /// Shows records on the router's tap.
    package func publish(_ batch: RecordBatch) {
        mailbox.post(.publish(batch))
    }

    /// Whether anybody listens to the tap.
    package var hasListeners: Bool { listening.load(ordering: .relaxed) }

    /// Normalisers that are connected at present.
    package var linkedUpstreams: Int { linked.load(ordering: .relaxed) }

    /// Ends the thread and waits for it. What was not committed is sent again later.
    package func stop() {
        mailbox.post(.stop)
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }
}
