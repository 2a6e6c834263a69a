import Bus
import Wire

/// The ingress: its journal survives, everything else dies with it.
final class SimulatedIngress: Node {
    let journal = JournalID(high: 1, low: 1)
    private(set) var lastSequence: UInt64 = 0
    private(set) var settled: UInt64 = 0
    private(set) var givenUp: Set<UInt64> = []
    private(set) var resent = 0
    private(set) var answered: [UInt64: Int] = [:]
    /// When those were accepted that were answered without a verdict.
    private(set) var unverified: [Int64] = []
    private(set) var longestWait: Int64 = 0
    private var acceptedAt: [UInt64: Int64] = [:]
    private var core: IngressCore!
    private var controlRoles: [Int: StageRole] = [:]
    private var nextPing: Int64 = 0

    override func boot() {
        core = IngressCore(
            journal: journal, firstRetained: settled + 1, nextSequence: lastSequence + 1, windowRecords: 64,
            windowBytes: 1 << 20, verdictTimeoutNanoseconds: .milliseconds(250))
        controlRoles = [:]
    }

    func accept(_ count: Int) {
        guard isAlive, !isStopped else { return }
        let first = lastSequence + 1
        lastSequence += UInt64(count)
        for sequence in first...lastSequence { acceptedAt[sequence] = world.time.now }
        _ = core.journaled(first: first, byteCounts: Array(repeating: 100, count: count))
        feed()
        if core.awaitsVerdicts {
            core.waitForVerdicts(SequenceRange(first, lastSequence), at: world.time.now)
        } else {
            note([AnswerRange(sequences: SequenceRange(first, lastSequence), verdict: nil)])
        }
    }

    override func tick() {
        core.expireTimers(at: world.time.now)
        readBack()
        feed()
        note(core.expireVerdicts(at: world.time.now))
        if world.time.now >= nextPing {
            nextPing = world.time.now + .milliseconds(500)
            for peer in core.feeder.peerIDs {
                _ = world.connection(peer)?.send(.ping(core.feeder.lastSent(to: peer)), upwards: false)
            }
        }
    }

    override func received(_ parcel: Parcel, from peer: Int, isControl: Bool) {
        switch parcel {
        case .hello(let role, let bootID, let link):
            if !isControl { _ = core.verifierLinked(peer, link: bootID ^ link) }
            if isControl {
                controlRoles[peer] = role
                if role == .router { core.routerGreeted(bootID: bootID) }
                _ = world.connection(peer)?.send(.window(core.windowNotice), upwards: false)
            }
        case .credit(let notice): core.credited(peer, notice)
        case .verdicts(let notice): note(core.decided(notice))
        case .lost(let notice): givenUp.formUnion(core.lost(notice))
        case .settlement(let notice, let bootID):
            if case .settled(let watermark) = core.settled(notice, bootID: bootID, at: world.time.now) {
                settled = watermark
            }
        default: break
        }
        readBack()
        feed()
    }

    override func disconnected(_ peer: Int, isControl: Bool) {
        if isControl {
            if controlRoles.removeValue(forKey: peer) == .router { core.routerGone() }
        } else {
            givenUp.formUnion(core.verifierGone(peer))
            feed()
        }
    }

    private func readBack() {
        guard let wanted = core.wantedFromDisk() else { return }
        let count = min(wanted.records, Int(lastSequence - wanted.from + 1), 16)
        _ = core.loaded(first: wanted.from, byteCounts: Array(repeating: 100, count: count))
        core.readBackEnded()
    }

    private func feed() {
        let before = core.window.resentRecords
        while let order = core.nextOrder(at: world.time.now) {
            let records = order.ranges.flatMap { range in
                (range.first...range.last).map { sequence in
                    let resends = core.window.standing(of: sequence)?.resends ?? 0
                    return (sequence: sequence, isAlone: order.isAlone, isResent: resends > 0)
                }
            }
            guard
                world.connection(order.peer)?.send(.batch(number: order.number, records: records), upwards: false)
                    == true
            else {
                core.failed(order)
                break
            }
        }
        resent += max(0, core.window.resentRecords - before)
    }

    private func note(_ answers: [AnswerRange]) {
        for answer in answers {
            for sequence in answer.sequences.first...answer.sequences.last {
                answered[sequence, default: 0] += 1
                guard let accepted = acceptedAt[sequence] else { continue }
                longestWait = max(longestWait, world.time.now - accepted)
                if answer.verdict == nil { unverified.append(accepted) }
            }
        }
    }

    /// How long a record that was just sent would wait for its second sending.
    var resendWait: Int64 { core.window.timer.timeout(resends: 0) }

    /// Whether this record would travel as a tombstone, which no stage touches.
    func isTombstone(_ sequence: UInt64) -> Bool { givenUp.contains(sequence) }
}

/// A verifier or normaliser.
final class SimulatedWorker: Node {
    private var core: WorkerCore<Bool>!
    private var queue: [(link: Int, batch: UInt64, sequence: UInt64, isAlone: Bool, isResent: Bool)] = []
    private var isWorking = false
    private var nextRepeat: Int64 = 0
    private var control: Set<Int> = []
    private var upstreams: [Int] = []
    private var bootID: UInt64 = 0
    private var isPassingDue = false

    override func boot() {
        upstreams = []
        core = WorkerCore(
            isolatesSuspects: role == .verifier,
            gatheringNanoseconds: role == .verifier ? Limits.gatheringNanoseconds : 0...0)
        isPassingDue = false
        queue = []
        isWorking = false
        control = []
        bootID = UInt64(world.pick(1...1 << 40))
    }

    override func connected(_ peer: Int, to other: Node, isControl: Bool) {
        if isControl {
            control.insert(peer)
        } else {
            core.intakes.linked(peer)
            upstreams.append(peer)
        }
        _ = world.connection(peer)?.send(.hello(role: role, bootID: bootID, link: UInt64(peer)), upwards: true)
        sendCredit()
    }

    override func disconnected(_ peer: Int, isControl: Bool) {
        control.remove(peer)
        upstreams.removeAll { $0 == peer }
        core.intakes.gone(peer)
        report(core.downstreamGone(peer))
    }

    override func received(_ parcel: Parcel, from peer: Int, isControl: Bool) {
        switch parcel {
        case .hello(let other, let bootID, let link):
            report(core.downstreamLinked(peer, role: other, link: bootID ^ link))
        case .credit(let notice): core.credited(peer, notice)
        case .ping(let number): core.intakes.learned(lastSent: number, by: peer)
        case .batch(let number, let records):
            guard core.intakes.received(batch: number, records: records.count, from: peer) else { break }
            queue += records.map {
                (link: peer, batch: number, sequence: $0.sequence, isAlone: $0.isAlone, isResent: $0.isResent)
            }
            work()
        default: break
        }
        passOn()
        sendCredit()
    }

    override func tick() {
        let isRepeating = world.time.now >= nextRepeat
        if isRepeating {
            nextRepeat = world.time.now + .milliseconds(250)
            for connection in control {
                _ = world.connection(connection)?.send(
                    .hello(role: role, bootID: bootID, link: UInt64(connection)), upwards: true)
            }
            for peer in core.feeder.peerIDs {
                _ = world.connection(peer)?.send(.ping(core.feeder.lastSent(to: peer)), upwards: false)
            }
        }
        passOn()
        sendCredit(tidying: true, repeating: isRepeating)
    }

    private func work() {
        guard !isWorking, let next = queue.first else { return }
        isWorking = true
        let number = incarnation
        world.time.after(Int64(world.pick(5...60)) * 1_000) { [self] in
            perform(number) { [self] in finish(next) }
        }
    }

    private func finish(_ next: (link: Int, batch: UInt64, sequence: UInt64, isAlone: Bool, isResent: Bool)) {
        isWorking = false
        queue.removeFirst()
        let isTombstone = world.ingress.isTombstone(next.sequence)
        if role == .normaliser, world.faults.poison.contains(next.sequence), !isTombstone {
            return world.crash(self)
        }
        let journal = world.ingress.journal
        core.enqueue(
            WorkRecord(
                journal: journal, sequence: next.sequence, isAlone: next.isAlone, byteCount: 100, link: next.link,
                batch: next.batch, payload: next.isResent))
        if role == .verifier {
            var notice = VerdictNotice(journal: journal)
            notice.add(next.sequence, .accepted)
            for connection in control { _ = world.connection(connection)?.send(.verdicts(notice), upwards: true) }
        }
        passOn()
        sendCredit()
        work()
    }

    private func passOn() {
        guard let pause = core.gatheringPause(at: world.time.now) else { return }
        if pause > 0 {
            guard !isPassingDue else { return }
            isPassingDue = true
            let number = incarnation
            return world.time.after(pause) { [self] in
                perform(number) { [self] in
                    isPassingDue = false
                    passOn()
                    sendCredit()
                }
            }
        }
        while let order = core.nextOrder() {
            let records = order.records.map {
                (sequence: $0.sequence, isAlone: $0.isAlone, isResent: $0.payload)
            }
            guard
                world.connection(order.peer)?.send(.batch(number: order.number, records: records), upwards: false)
                    == true
            else { return core.failed(order) }
            core.taken(order, at: world.time.now)
        }
    }

    private func sendCredit(tidying: Bool = false, repeating: Bool = false) {
        for id in upstreams {
            guard let notice = core.intakes.credit(for: id, at: world.time.now, tidying: tidying, repeating: repeating)
            else {
                continue
            }
            if repeating {
                _ = world.connection(id)?.send(.hello(role: role, bootID: bootID, link: UInt64(id)), upwards: true)
            }
            _ = world.connection(id)?.send(.credit(notice), upwards: true)
        }
    }

    private func report(_ unfinished: [Unfinished]) {
        for batch in unfinished {
            for range in batch.ranges {
                let notice = LostNotice(
                    deadRole: batch.role, wasAlone: batch.wasAlone, journal: range.journal, ranges: [range.sequences])
                for connection in control { _ = world.connection(connection)?.send(.lost(notice), upwards: true) }
            }
        }
    }
}

/// The router: its log survives, everything else dies with it.
final class SimulatedRouter: Node {
    private(set) var log: [UInt64] = []
    private var watermark: UInt64 = 0
    private var bootID: UInt64 = 0
    private var core: RouterCore<UInt64>!
    private var upstreams: [Int] = []
    private var control: Set<Int> = []
    private var nextRepeat: Int64 = 0
    private var isTurnDue = false
    private var commitEnd: Int64 = 0

    override func boot() {
        bootID = UInt64(world.pick(1...1 << 40))
        core = RouterCore(watermarks: [world.ingress.journal: watermark], reorderBudgetBytes: 1 << 30)
        (upstreams, control, isTurnDue) = ([], [], false)
    }

    override func connected(_ peer: Int, to other: Node, isControl: Bool) {
        if isControl {
            control.insert(peer)
        } else {
            upstreams.append(peer)
            core.intakes.linked(peer)
        }
        greet(peer)
        turn()
    }

    override func disconnected(_ peer: Int, isControl: Bool) {
        control.remove(peer)
        upstreams.removeAll { $0 == peer }
        core.intakes.gone(peer)
    }

    override func received(_ parcel: Parcel, from peer: Int, isControl: Bool) {
        switch parcel {
        case .window(let notice): _ = core.announced(notice)
        case .ping(let number): core.intakes.learned(lastSent: number, by: peer)
        case .batch(let number, let records):
            guard core.received(batch: number, records: records.count, from: peer, at: world.time.now) else { return }
            for record in records {
                _ = core.arrived(
                    world.ingress.journal, record.sequence, isLaterCopy: record.isResent, isAlone: record.isAlone,
                    record.sequence)
            }
        default: return
        }
        commit()
        turn()
    }

    override func tick() {
        let isRepeating = world.time.now >= nextRepeat
        if isRepeating {
            nextRepeat = world.time.now + .milliseconds(250)
            for peer in control.sorted() + upstreams { greet(peer) }
        }
        turn(tidying: true, repeating: isRepeating)
    }

    /// What is in order is committed a little later, in one transaction with the watermark, unless the router dies first.
    private func commit() {
        var released: [UInt64] = []
        for journal in core.touched { while let sequence = core.release(journal) { released.append(sequence) } }
        guard let last = released.last else { return }
        commitEnd = max(commitEnd, world.time.now) + Int64(world.pick(100...1_000)) * 1_000
        later(commitEnd) { [self] in
            log += released
            watermark = last
            core.committed(world.ingress.journal, last)
            turn()
        }
    }

    /// Sends what the core wants said, and comes back when it asks for that.
    private func turn(tidying: Bool = false, repeating: Bool = false) {
        let now = world.time.now
        for notice in core.settlements(at: now, repeating: repeating) {
            for peer in control.sorted() {
                _ = world.connection(peer)?.send(.settlement(notice, bootID: bootID), upwards: true)
            }
            core.settlementSent(to: notice.journal)
        }
        for peer in upstreams {
            guard let notice = core.intakes.credit(for: peer, at: now, tidying: tidying, repeating: repeating) else {
                continue
            }
            _ = world.connection(peer)?.send(.credit(notice), upwards: true)
        }
        guard !isTurnDue, let pause = core.pauseNanoseconds(at: now) else { return }
        isTurnDue = true
        later(now + pause) { [self] in
            isTurnDue = false
            turn()
        }
    }

    private func later(_ time: Int64, _ action: @escaping () -> Void) {
        let number = incarnation
        world.time.at(time) { [self] in perform(number, action) }
    }

    private func greet(_ peer: Int) {
        _ = world.connection(peer)?.send(.hello(role: role, bootID: bootID, link: UInt64(peer)), upwards: true)
    }
}
