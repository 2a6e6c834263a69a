internal import StageMetrics
internal import Wire
internal import ZeroMQ

/// The turns of the ingress' bus thread: takes in what came, lets `IngressCore` decide, sends.
final class IngressLoop {
    private let settings: IngressBusSettings
    private let mailbox: Mailbox<IngressBus.Mail>
    private let delegate: any IngressBusDelegate
    private let out: BoundSocket
    private let control: BoundSocket
    private let tap: TapPublisher
    private let allowList: AllowList?
    private var core: IngressCore
    private var store = FrameStore()
    private var controlRoles: [Int: StageRole] = [:]
    /// Sequences journaled in this turn, whose answer is decided at its end.
    private var fresh: [SequenceRange] = []
    private var answers: [AnswerRange] = []
    private var isStopping = false
    private var nextPing: Int64 = 0
    private var housekeeping = Housekeeping()
    private let metrics: IngressLoopMetrics
    private let refusals: LinkRefusals
    private let heartbeat: Heartbeat

    private static let pingIntervalNanoseconds: Int64 = 2_000_000_000
    private static let arrivalsPerTurn = 512

    init(
        settings: IngressBusSettings, core: IngressCore, metrics: MetricRegistry, refusals: LinkRefusals,
        mailbox: Mailbox<IngressBus.Mail>, delegate: any IngressBusDelegate
    ) throws {
        self.settings = settings
        self.core = core
        self.mailbox = mailbox
        self.delegate = delegate
        self.metrics = IngressLoopMetrics(metrics, settings.labels)
        self.refusals = refusals
        heartbeat = metrics.heartbeat(of: settings.threadName)
        let context = try Context()
        let directory = settings.runDirectory
        let bootID = UInt64.random(in: 1 ... .max)
        let maxFrameBytes = Limits.frameBytes(maxBodyBytes: settings.maxBodyBytes)
        tap = try TapPublisher(
            context, endpoint: directory.endpoint(settings.instance, .tap), role: .ingress,
            instance: settings.instance, bootID: bootID)
        allowList = try directory.topology?.allowList(context, of: .ingress)
        control = try BoundSocket(
            context, directory, of: settings.instance, .control, bootID: bootID, maxFrameBytes: maxFrameBytes)
        out = try BoundSocket(
            context, directory, of: settings.instance, .out, bootID: bootID, maxFrameBytes: maxFrameBytes)
    }

    func run(isLinked: (Bool) -> Void) throws {
        var poller = Poller(
            wakeUp: mailbox.descriptor, sockets: [out.socket, control.socket],
            news: [out.news, control.news, tap.socket] + (allowList.map { [$0.socket] } ?? []))
        while !isStopping {
            // What verifiers have to say matters when there is something for them that they have not asked for.
            let isHeard = core.feeder.peerCount == 0 || core.hasWork
            try poller.wait(
                nanoseconds: pause(at: monotonicNanoseconds()), unheard: isHeard ? nil : out.socket)
            let now = monotonicNanoseconds()
            heartbeat.beat(at: now)
            if poller.isWoken { takeMail() }
            if core.window.count > 0 { housekeeping.recordsMoved(at: now) }
            if poller.hasNews { housekeeping.linksChanged(at: now) }
            if housekeeping.isDue(at: now) || out.isProbing || control.isProbing || poller.hasNews {
                try keepHouse(at: now)
                try takeOut()
            }
            if poller.isReadable(control.socket) { try takeControl(at: now) }
            core.expireTimers(at: now)
            try feed(at: now)
            answerFresh(at: now)
            answers += core.expireVerdicts(at: now)
            if !answers.isEmpty {
                delegate.answer(answers)
                answers.removeAll(keepingCapacity: true)
            }
            readBack()
            isLinked(core.isRouterLinked && core.feeder.peerCount > 0)
        }
    }

    /// What need not be looked at in every turn: who came and went, who listens to the tap, the gauges.
    private func keepHouse(at now: Int64) throws {
        housekeeping.begin(at: now, isComplete: true)
        try tap.refresh()
        try allowList?.answer()
        if now >= nextPing {
            nextPing = now + Self.pingIntervalNanoseconds
            out.probe()
        }
        for peer in try control.findGone(lastSent: { _ in 0 }) {
            if controlRoles.removeValue(forKey: peer) == .router, !controlRoles.values.contains(.router) {
                core.routerGone()
            }
        }
        for peer in try out.findGone(lastSent: { core.feeder.lastSent(to: $0) }) {
            giveUp(core.verifierGone(peer))
        }
        metrics.update(core, malformed: out.malformedCount + control.malformedCount)
        refusals.update(of: out.refusals + control.refusals)
    }

    private func pause(at now: Int64) -> Int64 {
        if out.isProbing || control.isProbing { return 2_000_000 }
        var pause = min(housekeeping.pauseNanoseconds(at: now), core.window.nextExpiry - now)
        if let deadline = core.nextAnswer { pause = min(pause, deadline - now) }
        return pause
    }

    private func takeMail() {
        for mail in mailbox.drain() {
            switch mail {
            case .journaled(let batches):
                for batch in batches where batch.count > 0 {
                    takeIn(batch) { core.journaled(first: $0, byteCounts: $1) }
                    fresh.append(SequenceRange(batch.first, batch.last))
                }
            case .loaded(let batches):
                for batch in batches { takeIn(batch) { core.loaded(first: $0, byteCounts: $1) } }
                core.readBackEnded()
            case .renumbered(let id, let firstRetained, let nextSequence):
                store.removeAll()
                answers += core.renumbered(journal: id, firstRetained: firstRetained, nextSequence: nextSequence)
                for peer in controlRoles.keys { announceWindow(to: peer) }
            case .stop:
                isStopping = true
            }
        }
    }

    private func takeIn(_ batch: RecordBatch, _ enter: (UInt64, [Int]) -> Bool) {
        precondition(batch.isWhole, "the journal hands over whole, length-prefixed envelopes")
        if enter(batch.first, batch.byteCounts) { store.append(batch) }
    }

    private func takeControl(at now: Int64) throws {
        for _ in 0..<Self.arrivalsPerTurn {
            guard let (peer, arrival) = try control.receive() else { return }
            do throws(WireError) {
                try takeNotice(arrival, from: peer, at: now)
            } catch {
                metrics.malformed.add()
            }
        }
    }

    private func takeNotice(_ arrival: Arrival, from peer: Int, at now: Int64) throws(WireError) {
        switch arrival.header.kind {
        case .hello:
            let hello = try arrival.read(HelloNotice.init)
            controlRoles[peer] = hello.role
            if hello.role == .router { core.routerGreeted(bootID: arrival.header.bootID) }
            announceWindow(to: peer)
        case .verdicts:
            let notice = try arrival.read { bytes throws(WireError) in
                try VerdictNotice(body: bytes, count: arrival.header.count)
            }
            if notice.journal == core.journal { delegate.judged(notice.entries) }
            answers += core.decided(notice)
        case .settlement where controlRoles[peer] == .router:
            let notice = try arrival.read { bytes throws(WireError) in
                try SettlementNotice(body: bytes, laterCopies: arrival.header.count)
            }
            settle(notice, bootID: arrival.header.bootID, at: now)
        case .lost:
            giveUp(core.lost(try arrival.read(LostNotice.init)))
        case .refusal:
            metrics.refusals.add()
        default:
            throw .unknownKind
        }
    }

    private func settle(_ notice: SettlementNotice, bootID: UInt64, at now: Int64) {
        switch core.settled(notice, bootID: bootID, at: now) {
        case .nothing:
            break
        case .settled(let watermark):
            store.forget(through: watermark)
            delegate.settled(through: watermark)
        case .renumber:
            delegate.renumber()
        }
    }

    private func announceWindow(to peer: Int) {
        // A peer that is gone by now says hello again.
        _ = try? control.send(.window, to: peer) { core.windowNotice.write(to: &$0) }
    }

    private func takeOut() throws {
        for _ in 0..<Self.arrivalsPerTurn {
            guard let (peer, arrival) = try out.receive() else { return }
            do throws(WireError) {
                switch arrival.header.kind {
                case .hello:
                    let hello = try arrival.read(HelloNotice.init)
                    guard hello.role == .verifier else { throw .unknownKind }
                    let link = arrival.header.bootID ^ arrival.header.number
                    giveUp(core.verifierLinked(peer, link: link, life: out.life(hello, arrival.header)))
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

    private func feed(at now: Int64) throws {
        guard core.hasWork else { return }
        // Only now: until something waits, nobody need hear what verifiers finish.
        try takeOut()
        while true {
            let resentBefore = core.window.resentRecords
            guard let order = core.nextOrder(at: now) else { return }
            let frame = store.frame(of: order.ranges) { sequence in mark(sequence, isAlone: order.isAlone) }
            let shared = tap.hasListeners ? frame.sharing() : nil
            let count = order.ranges.reduce(0) { $0 + Int($1.count) }
            let result = try out.send(.batch, number: order.number, count: count, body: frame, to: order.peer)
            guard result == .sent else {
                core.failed(order)
                out.probe()
                return
            }
            metrics.sent(records: count - (core.window.resentRecords - resentBefore))
            if let shared { try tap.publish(shared, records: count) }
        }
    }

    private func mark(_ sequence: UInt64, isAlone: Bool) -> (flags: EnvelopeFlags, resends: UInt8)? {
        guard let standing = core.window.standing(of: sequence) else { return nil }
        var flags: EnvelopeFlags = []
        if standing.resends > 0 { flags.insert(.resent) }
        if isAlone { flags.insert(.alone) }
        if standing.deaths.isGivenUp { flags.insert(.tombstone) }
        return flags.isEmpty ? nil : (flags, standing.resends)
    }

    private func answerFresh(at now: Int64) {
        for range in fresh {
            if core.awaitsVerdicts {
                core.waitForVerdicts(range, at: now)
            } else {
                answers.append(AnswerRange(sequences: range, verdict: nil))
            }
        }
        fresh.removeAll(keepingCapacity: true)
    }

    private func readBack() {
        guard let wanted = core.wantedFromDisk() else { return }
        delegate.readBack(from: wanted.from, maxRecords: wanted.records, maxBytes: Self.readBackBytes)
    }

    /// Read back at a time: enough to keep the workers busy, little enough to leave the journal's thread to commits.
    private static let readBackBytes = 1 << 20

    private func giveUp(_ sequences: [UInt64]) {
        for sequence in sequences {
            metrics.poisoned.add()
            delegate.gaveUp(sequence: sequence)
        }
    }
}

/// What the ingress' bus thread counts.
struct IngressLoopMetrics {
    let poisoned: Counter
    let malformed: Counter
    let refusals: Counter
    private let recordsOut: Counter
    private let batchesOut: Counter
    private let resends: Counter
    private let window: Gauge
    private let linked: Gauge

    init(_ metrics: MetricRegistry, _ labels: [(String, String)]) {
        func counter(_ name: String, _ help: String, _ further: [(String, String)] = []) -> Counter {
            metrics.counter(name, help: help, labels: further + labels)
        }
        poisoned = counter("tributary_poisoned_total", "Webhooks given up because they kill workers.")
        malformed = counter("tributary_bus_malformed_total", "Transmissions that are not in wire format.")
        refusals = counter("tributary_bus_refusals_total", "Times a router refused the window.")
        recordsOut = counter(
            "tributary_records_total", "Webhooks taken in and passed on.", [("direction", "out")])
        batchesOut = counter(
            "tributary_batches_total", "Batches taken in and passed on.", [("direction", "out")])
        resends = counter("tributary_resends_total", "Records sent again.")
        window = metrics.gauge(
            "tributary_window_records", help: "Records unsettled on the bus.", labels: labels)
        linked = metrics.gauge(
            "tributary_router_linked", help: "1 while a router takes this journal's records.", labels: labels)
    }

    func sent(records: Int) {
        recordsOut.add(records)
        batchesOut.add()
    }

    func update(_ core: IngressCore, malformed count: Int) {
        let resent = core.window.resentRecords - resends.value
        if resent > 0 { resends.add(resent) }
        window.set(Double(core.window.count))
        linked.set(core.isRouterLinked ? 1 : 0)
        if count > malformed.value { malformed.add(count - malformed.value) }
    }
}
