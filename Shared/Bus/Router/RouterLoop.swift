internal import StageMetrics
internal import Wire
internal import ZeroMQ

/// The turns of the router's bus thread.
final class RouterLoop {
    private let mailbox: Mailbox<RouterBus.Mail>
    private let delegate: any RouterBusDelegate
    private let upstream: LinkSet
    private let control: ControlLinks
    private let tap: TapPublisher
    private let hello: HelloNotice
    private let metrics: RouterLoopMetrics
    private let refusals: LinkRefusals
    private let heartbeat: Heartbeat
    private var core: RouterCore<RecordBatch>
    private var isStopping = false
    private var nextScan: Int64 = 0
    private var nextRepeat: Int64 = 0
    private var housekeeping = Housekeeping()

    private static let repeatIntervalNanoseconds: Int64 = 250_000_000
    private static let arrivalsPerTurn = 256

    init(
        settings: RouterBusSettings, bootID: UInt64, watermarks: [JournalID: UInt64], metrics: MetricRegistry,
        refusals: LinkRefusals, mailbox: Mailbox<RouterBus.Mail>, delegate: any RouterBusDelegate
    ) throws {
        self.mailbox = mailbox
        self.delegate = delegate
        core = RouterCore(watermarks: watermarks, reorderBudgetBytes: UInt64(settings.reorderBudgetBytes))
        self.metrics = RouterLoopMetrics(metrics)
        self.refusals = refusals
        heartbeat = metrics.heartbeat(of: "bus")
        hello = HelloNotice(role: .router, instance: settings.instance)
        let context = try Context()
        let directory = settings.runDirectory
        let maxFrameBytes = Limits.frameBytes(maxBodyBytes: settings.maxBodyBytes)
        upstream = LinkSet(
            context, directory, role: .normaliser, name: .out, bootID: bootID, maxFrameBytes: maxFrameBytes)
        control = ControlLinks(
            LinkSet(
                context, directory, role: .ingress, name: .control, bootID: bootID, maxFrameBytes: maxFrameBytes),
            hello: hello)
        tap = try TapPublisher(
            context, endpoint: directory.endpoint(settings.instance, .tap), role: .router,
            instance: settings.instance, bootID: bootID)
    }

    func run(state: (Bool, Int) -> Void) throws {
        var poller = makePoller()
        while !isStopping {
            let (now, isTidying) = try turn(&poller)
            let isRepeating = isTidying && now >= nextRepeat
            if isRepeating { nextRepeat = now + Self.repeatIntervalNanoseconds }
            try settle(at: now, repeating: isRepeating)
            try sendCredit(at: now, tidying: isTidying, repeating: isRepeating)
            state(tap.hasListeners, upstream.upCount)
        }
    }

    private func turn(_ poller: inout Poller) throws -> (now: Int64, isTidying: Bool) {
        var now = monotonicNanoseconds()
        let pause = housekeeping.pauseNanoseconds(at: now)
        try poller.wait(nanoseconds: min(pause, core.pauseNanoseconds(at: now) ?? pause))
        now = monotonicNanoseconds()
        heartbeat.beat(at: now)
        if poller.isWoken { try takeMail(at: now) }
        let isTidying = housekeeping.isDue(at: now) || poller.hasNews
        if try isTidying && keepHouse(at: now) { poller = makePoller() }
        try control.receive(poller, isTidying: isTidying, malformed: metrics.malformed, announced: linkUp)
        try takeUpstream(poller, at: now)
        release()
        return (now, isTidying)
    }

    private func makePoller() -> Poller {
        Poller(
            wakeUp: mailbox.descriptor, sockets: upstream.sockets, patient: control.sockets,
            news: upstream.news + control.news + [tap.socket])
    }

    /// What need not be looked at in every turn: who came and went, who listens to the tap. True when there are other
    /// sockets to poll.
    private func keepHouse(at now: Int64) throws -> Bool {
        housekeeping.begin(at: now, isComplete: upstream.isComplete && control.isComplete)
        var isChanged = try rescan(at: now)
        try tap.refresh()
        isChanged = try control.refresh(at: now) || isChanged
        let isRebuilt = try upstream.refresh(hello) { link, change in
            housekeeping.linksChanged(at: now)
            if change == .established { core.intakes.linked(link.id) } else { core.intakes.gone(link.id) }
        }
        refusals.update(own: upstream.refusals + control.refusals)
        return isChanged || isRebuilt
    }

    private func takeMail(at now: Int64) throws {
        for mail in mailbox.drain() {
            housekeeping.recordsMoved(at: now)
            switch mail {
            case .committed(let watermarks):
                for (journal, watermark) in watermarks { core.committed(journal, watermark) }
            case .publish(let batch):
                let frame = batch.withBytes { bytes in Frame(byteCount: bytes.count) { $0.copyMemory(from: bytes) } }
                try tap.publish(frame, records: batch.count)
            case .stop:
                isStopping = true
            }
        }
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

    private func linkUp(_ link: Int, _ notice: WindowNotice) throws {
        switch core.announced(notice) {
        case .accepted:
            break
        case .gone(let range):
            delegate.watermarkForced(journal: notice.journal, to: range.last)
        case .refused(let reason):
            delegate.refused(journal: notice.journal, reason: reason)
            _ = try control.link(link)?.send(.refusal) { $0.text16(reason) }
        }
    }

    private func takeUpstream(_ poller: Poller, at now: Int64) throws {
        for link in upstream.links where poller.isReadable(link.socket) {
            for _ in 0..<Self.arrivalsPerTurn {
                guard let arrival = try link.receive() else { break }
                take(arrival, from: link.id, at: now)
            }
        }
    }

    private func take(_ arrival: Arrival, from link: Int, at now: Int64) {
        let (number, count) = (arrival.header.number, Int(arrival.header.count))
        switch arrival.header.kind {
        case .ping:
            core.intakes.learned(lastSent: number, by: link)
        case .batch:
            housekeeping.recordsMoved(at: now)
            if core.received(batch: number, records: count, from: link, at: now) { keepRecords(of: arrival.body) }
        default:
            metrics.malformed.add()
        }
    }

    private func keepRecords(of body: Frame) {
        let batch = RecordBatch(body)
        for index in batch.indices {
            batch.withRecord(index) { keep($0, index, of: batch) }
        }
    }

    private func keep(_ bytes: UnsafeRawBufferPointer, _ index: Int, of batch: RecordBatch) {
        guard let envelope = try? EnvelopeView(bytes), envelope.isIntact else { return metrics.damaged.add() }
        let sequence = envelope.sequence
        let arrival = core.arrived(
            envelope.journal, sequence, isLaterCopy: envelope.flags.contains(.resent),
            isAlone: envelope.flags.contains(.alone), batch.record(index, sequence: sequence))
        switch arrival {
        case .kept: break
        case .duplicate: metrics.repeats.add()
        case .outsideWindow, nil: metrics.unlinked.add()
        }
    }

    /// Hands over what has its turn: neighbours in a frame as one batch, where they lie.
    private func release() {
        var batches: [RecordBatch] = []
        for journal in core.touched {
            guard var batch = core.release(journal) else { continue }
            while let next = core.release(journal) {
                if batch.extend(by: next) { continue }
                batches.append(batch)
                batch = next
            }
            batches.append(batch)
        }
        if !batches.isEmpty { delegate.received(batches) }
    }

    private func settle(at now: Int64, repeating isRepeating: Bool) throws {
        for notice in core.settlements(at: now, repeating: isRepeating) {
            guard let link = control.link(to: notice.journal) else { continue }
            let result = try link.send(.settlement, count: Int(notice.laterCopies)) { notice.write(to: &$0) }
            if result == .sent { core.settlementSent(to: notice.journal) }
        }
    }

    private func sendCredit(at now: Int64, tidying isTidying: Bool, repeating isRepeating: Bool) throws {
        for link in upstream.links where link.isOpen {
            guard
                let notice = core.intakes.credit(for: link.id, at: now, tidying: isTidying, repeating: isRepeating)
            else { continue }
            _ = try link.send(.credit) { notice.write(to: &$0) }
        }
    }
}

/// What the router's bus thread counts.
struct RouterLoopMetrics {
    let malformed: Counter
    let damaged: Counter
    let repeats: Counter
    let unlinked: Counter

    init(_ metrics: MetricRegistry) {
        malformed = metrics.counter("tributary_bus_malformed_total", help: "Transmissions that are not in wire format.")
        damaged = metrics.counter(
            "tributary_bus_damaged_total", help: "Records dropped because their bytes are damaged.")
        repeats = metrics.counter("tributary_bus_repeats_total", help: "Records that had arrived before.")
        unlinked = metrics.counter(
            "tributary_bus_unlinked_total",
            help: "Records of journals that have not linked up, or outside their window.")
    }
}
