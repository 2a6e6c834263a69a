internal import Glibc
package import StageMetrics
internal import Synchronization
internal import Threads
package import Wire
internal import ZeroMQ

/// A stage's work: a pure, synchronous function of one record. It sees no sockets, credit, settlements or clocks.
package protocol StageWork {
    /// Appends this stage's sections for `record` to `writer`. What the verifier returns is its sender's answer; a stage
    /// that answers nobody returns nil.
    mutating func process(_ record: EnvelopeView, appendingTo writer: inout ByteWriter) -> Verdict?

    /// Called between batches: the place to take over reloaded configuration.
    mutating func betweenBatches()
}

/// What a worker needs to know about itself and the bus.
package struct WorkerSettings: Sendable {
    package var role: StageRole
    package var runDirectory: RunDirectory
    package var instance: String
    package var maxBodyBytes: Int

    package init(role: StageRole, runDirectory: RunDirectory, instance: String, maxBodyBytes: Int) {
        self.role = role
        self.runDirectory = runDirectory
        self.instance = instance
        self.maxBodyBytes = maxBodyBytes
    }
}

/// A verifier's or normaliser's bus: takes batches from every upstream instance, runs the stage's work on the bus thread
/// itself, passes the results on, reports verdicts and the deaths of its downstream to the ingress.
package final class WorkerBus: Sendable {
    enum Mail: Sendable { case stop }

    private let settings: WorkerSettings
    private let metrics: MetricRegistry
    private let mailbox = Mailbox<Mail>()
    private let thread = Mutex<BlockingThread?>(nil)
    private let upstreams = Atomic<Int>(0)
    package let refusals: LinkRefusals

    package init(settings: WorkerSettings, metrics: MetricRegistry, refusals: LinkRefusals) {
        self.settings = settings
        self.metrics = metrics
        self.refusals = refusals
    }

    /// Binds the sockets and starts the thread; `makeWork` runs on it.
    package func start(_ makeWork: @escaping @Sendable () -> any StageWork) {
        let (settings, metrics, mailbox) = (settings, metrics, mailbox)
        let started = BlockingThread(name: "bus") { [self] in
            runBusLoop(settings.instance) {
                let loop = try WorkerLoop(
                    settings: settings, work: makeWork(), metrics: metrics, refusals: refusals, mailbox: mailbox)
                try loop.run { upstreams.store($0, ordering: .relaxed) }
                settings.runDirectory.removeSockets(of: settings.instance)
            }
        }
        thread.withLock { $0 = started }
    }

    /// Takes no more, finishes and passes on what is here (what is left after 2 s the ingress sends again), ends the thread
    /// and waits for it.
    package func stop() {
        mailbox.post(.stop)
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    /// Upstream instances that are connected at present.
    package var linkedUpstreams: Int { upstreams.load(ordering: .relaxed) }
}

/// The turns of a worker's bus thread.
final class WorkerLoop {
    private typealias Core = WorkerCore<StageResult>

    private let settings: WorkerSettings
    private let mailbox: Mailbox<WorkerBus.Mail>
    private let bootID = UInt64.random(in: 1 ... .max)
    private let upstream: LinkSet
    private let control: ControlLinks
    private let out: BoundSocket
    private let tap: TapPublisher
    private let allowList: AllowList?
    private let metrics: WorkerLoopMetrics
    private let refusals: LinkRefusals
    private let heartbeat: Heartbeat
    private var core: Core
    private var runner: StageRunner
    private var isStopping = false
    private var nextRepeat: Int64 = 0
    private var nextScan: Int64 = 0
    private var housekeeping = Housekeeping()
    private var lossReports: [LostNotice] = []

    private static var repeatIntervalNanoseconds: Int64 { 250_000_000 }
    private static var arrivalsPerTurn: Int { 256 }
    private static var drainNanoseconds: Int64 { 2_000_000_000 }
    private static var leaveNanoseconds: Int64 { 30_000_000 }

    init(
        settings: WorkerSettings, work: any StageWork, metrics registry: MetricRegistry, refusals: LinkRefusals,
        mailbox: Mailbox<WorkerBus.Mail>
    ) throws {
        self.settings = settings
        self.mailbox = mailbox
        self.metrics = WorkerLoopMetrics(registry)
        self.refusals = refusals
        heartbeat = registry.heartbeat(of: "bus")
        runner = StageRunner(work: work, role: settings.role, instance: settings.instance, metrics: metrics)
        core = WorkerCore(
            isolatesSuspects: settings.role == .verifier,
            gatheringNanoseconds: settings.role == .verifier ? Limits.gatheringNanoseconds : 0...0)
        let context = try Context()
        let directory = settings.runDirectory
        let maxFrameBytes = Limits.frameBytes(maxBodyBytes: settings.maxBodyBytes)
        guard let feeding = settings.role.upstream else { preconditionFailure("an ingress is not a worker") }
        upstream = LinkSet(
            context, directory, role: feeding, name: .out, bootID: bootID, maxFrameBytes: maxFrameBytes)
        control = ControlLinks(
            LinkSet(
                context, directory, role: .ingress, name: .control, bootID: bootID, maxFrameBytes: maxFrameBytes),
            hello: HelloNotice(role: settings.role, instance: settings.instance))
        tap = try TapPublisher(
            context, endpoint: directory.endpoint(settings.instance, .tap), role: settings.role,
            instance: settings.instance, bootID: bootID)
        allowList = try directory.topology?.allowList(context, of: settings.role)
        out = try BoundSocket(
            context, directory, of: settings.instance, .out, bootID: bootID, maxFrameBytes: maxFrameBytes)
    }

    func run(linked: (Int) -> Void) throws {
        var poller = makePoller()
        var drainEnd = Int64.max
        while true {
            try wait(&poller)
            let now = monotonicNanoseconds()
            heartbeat.beat(at: now)
            if poller.isWoken, !mailbox.drain().isEmpty, !isStopping {
                isStopping = true
                drainEnd = now + Self.drainNanoseconds
            }
            if poller.hasNews { housekeeping.linksChanged(at: now) }
            let isTidying = housekeeping.isDue(at: now) || out.isProbing || poller.hasNews
            if try isTidying && keepHouse(at: now) { poller = makePoller() }
            try control.receive(poller, isTidying: isTidying, malformed: metrics.malformed)
            let hasArrivals = try takeUpstream(poller, at: now)
            if isTidying { try takeOut() }
            work()
            try control.send(&runner.verdicts)
            if isStopping || core.isToPassOn(at: now, withArrivals: hasArrivals) { try passOn() }
            try sendCredit(at: now, tidying: isTidying || isStopping)
            try control.send(&lossReports)
            linked(upstream.upCount)
            // What is done still has to leave libzmq's queues, or it would count as held by a dead worker.
            if isStopping && core.waitingCount + runner.waitingCount == 0 {
                drainEnd = min(drainEnd, now + Self.leaveNanoseconds)
            }
            if now > drainEnd { return }
        }
    }

    private func makePoller() -> Poller {
        Poller(
            wakeUp: mailbox.descriptor, sockets: upstream.sockets + [out.socket], patient: control.sockets,
            news: upstream.news + control.news + [out.news, tap.socket] + (allowList.map { [$0.socket] } ?? []))
    }

    /// What need not be looked at in every turn: who came and went, who listens to the tap, the gauges. True when there
    /// are other sockets to poll.
    private func keepHouse(at now: Int64) throws -> Bool {
        housekeeping.begin(at: now, isComplete: upstream.isComplete && control.isComplete)
        var isChanged = try rescan(at: now)
        try tap.refresh(isLeaving: isStopping)
        try allowList?.answer()
        isChanged = try control.refresh(at: now) || isChanged
        let hello = HelloNotice(role: settings.role, instance: settings.instance)
        let isRebuilt = try upstream.refresh(hello) { link, change in
            housekeeping.linksChanged(at: now)
            if change == .established { core.intakes.linked(link.id) } else { core.intakes.gone(link.id) }
        }
        for peer in try out.findGone(lastSent: { core.feeder.lastSent(to: $0) }) {
            report(core.downstreamGone(peer))
        }
        metrics.update(
            backlog: core.waitingCount + runner.waitingCount,
            malformed: out.malformedCount + upstream.links.reduce(0) { $0 + $1.malformedCount })
        refusals.update(own: upstream.refusals + control.refusals, of: out.refusals)
        return isChanged || isRebuilt
    }

    private func wait(_ poller: inout Poller) throws {
        let now = monotonicNanoseconds()
        var pause = out.isProbing || isStopping ? 2_000_000 : housekeeping.pauseNanoseconds(at: now)
        if runner.waitingCount > 0 { pause = 0 }
        if let gathering = core.gatheringPause(at: now), gathering > 0 { pause = min(pause, gathering) }
        // What the next hop has to say matters when there is something for it that it has not asked for.
        let isHeard = core.feeder.peerCount == 0 || core.isToPassOn(at: now) || isStopping
        try poller.wait(nanoseconds: pause, unheard: isHeard ? nil : out.socket)
    }

    private func rescan(at now: Int64) throws -> Bool {
        guard now >= nextScan else { return false }
        nextScan = now + (upstream.isComplete && control.isComplete ? Limits.scanNanoseconds : 0)
        let dropped = try upstream.rescan()
        for link in dropped ?? [] { core.intakes.gone(link) }
        let isChanged = try control.rescan() || dropped != nil
        if isChanged { housekeeping.linksChanged(at: now) }
        return isChanged
    }

    // MARK: upstream

    /// Whether anything came.
    private func takeUpstream(_ poller: Poller, at now: Int64) throws -> Bool {
        var hasArrivals = false
        for link in upstream.links where poller.isReadable(link.socket) {
            for _ in 0..<Self.arrivalsPerTurn {
                guard let arrival = try link.receive() else { break }
                take(arrival, from: link, at: now)
                hasArrivals = true
            }
        }
        return hasArrivals
    }

    private func take(_ arrival: Arrival, from link: ConnectedLink, at now: Int64) {
        switch arrival.header.kind {
        case .ping:
            core.intakes.learned(lastSent: arrival.header.number, by: link.id)
        case .batch:
            let (number, count) = (arrival.header.number, Int(arrival.header.count))
            guard core.intakes.received(batch: number, records: count, from: link.id) else { return }
            housekeeping.recordsMoved(at: now)
            metrics.recordsIn.add(count)
            metrics.batchesIn.add()
            runner.add(BatchInWork(link: link.id, number: number, count: count, body: arrival.body))
        default:
            metrics.malformed.add()
        }
    }

    private func sendCredit(at now: Int64, tidying isTidying: Bool) throws {
        let isRepeating = isTidying && now >= nextRepeat
        if isRepeating { nextRepeat = now + Self.repeatIntervalNanoseconds }
        for link in upstream.links where link.isOpen {
            // A verdict that finds no way back leaves a provider waiting, so the way back comes first.
            if settings.role == .verifier && !control.knows(link.instance) { continue }
            guard
                let notice = core.intakes.credit(
                    for: link.id, at: now, tidying: isTidying, repeating: isRepeating, closing: isStopping)
            else { continue }
            _ = try link.send(.credit) { notice.write(to: &$0) }
        }
    }

    // MARK: work

    /// At most one slice of work, then back to the sockets.
    private func work() {
        let end = monotonicNanoseconds() + Limits.workSliceNanoseconds
        runner.work(until: end) { outcome in
            switch outcome {
            case .done(let record): core.enqueue(record)
            case .dropped(let link, let batch): core.dropped(ofBatch: batch, from: link)
            }
        }
    }

    // MARK: downstream

    private func takeOut() throws {
        for _ in 0..<Self.arrivalsPerTurn {
            guard let (peer, arrival) = try out.receive() else { return }
            do throws(WireError) {
                switch arrival.header.kind {
                case .hello:
                    let hello = try arrival.read(HelloNotice.init)
                    guard hello.role.upstream == settings.role else { throw .unknownKind }
                    let link = arrival.header.bootID ^ arrival.header.number
                    let life = out.life(hello, arrival.header)
                    report(core.downstreamLinked(peer, role: hello.role, link: link, life: life))
                case .credit:
                    core.credited(peer, try arrival.read(CreditNotice.init))
                default:
                    throw .unknownKind
                }
            } catch {
                metrics.malformed.add()
            }
        }
    }

    private func passOn() throws {
        // Only now: until something waits, nobody need hear what the next hop takes.
        try takeOut()
        while let order = core.nextOrder() {
            let frame = StageResult.frame(of: order.records)
            let shared = tap.hasListeners ? frame.sharing() : nil
            let count = order.records.count
            guard try out.send(.batch, number: order.number, count: count, body: frame, to: order.peer) == .sent else {
                core.failed(order)
                out.probe()
                return
            }
            let now = monotonicNanoseconds()
            core.taken(order, at: now)
            housekeeping.recordsMoved(at: now)
            metrics.recordsOut.add(count)
            metrics.batchesOut.add()
            if let shared { try tap.publish(shared, records: count) }
        }
    }

    private func report(_ unfinished: [Unfinished]) {
        for batch in unfinished {
            for range in batch.ranges {
                lossReports.append(
                    LostNotice(
                        // The router's is nobody's death.
                        deadRole: batch.isDeath ? batch.role : .router, wasAlone: batch.wasAlone,
                        journal: range.journal,
                        ranges: [range.sequences]))
            }
        }
    }
}

/// What a worker's bus thread counts.
struct WorkerLoopMetrics {
    let recordsIn: Counter
    let recordsOut: Counter
    let batchesIn: Counter
    let batchesOut: Counter
    let malformed: Counter
    let damaged: Counter
    let processing: LatencyHistogram
    let sinceReceipt: LatencyHistogram
    private let backlog: Gauge
    private let oldest: Gauge

    init(_ metrics: MetricRegistry) {
        let records = "Records taken in and passed on."
        let batches = "Batches taken in and passed on."
        recordsIn = metrics.counter("tributary_records_total", help: records, labels: [("direction", "in")])
        recordsOut = metrics.counter("tributary_records_total", help: records, labels: [("direction", "out")])
        batchesIn = metrics.counter("tributary_batches_total", help: batches, labels: [("direction", "in")])
        batchesOut = metrics.counter("tributary_batches_total", help: batches, labels: [("direction", "out")])
        malformed = metrics.counter("tributary_bus_malformed_total", help: "Transmissions that are not in wire format.")
        damaged = metrics.counter(
            "tributary_bus_damaged_total", help: "Records dropped because their bytes are damaged.")
        processing = metrics.histogram("tributary_processing_seconds", help: "Work on one slice of records.")
        sinceReceipt = metrics.histogram("tributary_since_receipt_seconds", help: "Age of records when passed on.")
        backlog = metrics.gauge("tributary_backlog_records", help: "Records taken in and not passed on.")
        oldest = metrics.gauge("tributary_oldest_unsettled_seconds", help: "Age of the oldest record here.")
    }

    func update(backlog count: Int, malformed seen: Int) {
        backlog.set(Double(count))
        if count == 0 { oldest.set(0) }
        if seen > malformed.value { malformed.add(seen - malformed.value) }
    }

    func oldest(ageNanoseconds: Int64) {
        oldest.set(Double(ageNanoseconds) / 1e9)
    }
}
