import EventLog
import SeededRandom
import Testing

@testable import EventDelivery

@Suite struct UnfinishedDeliveryTests {
    typealias State = UnfinishedDelivery.State
    typealias Step = UnfinishedDelivery.Step

    static let states: [State] = [.ready, .inFlight, .waiting(until: 7), .held]
    static let steps: [Step] = [.start, .putOff(until: 9), .giveBack, .wake, .hold, .release]

    /// Where each step leads from each of `states`; nil: it traps.
    static let transitions: [(Step, [State?])] = [
        (.start, [.inFlight, nil, nil, nil]),
        (.putOff(until: 9), [nil, .waiting(until: 9), nil, nil]),
        (.giveBack, [nil, .ready, nil, nil]),
        (.wake, [nil, nil, .ready, .ready]),
        (.hold, [.held, .inFlight, .held, .held]),
        (.release, [.ready, .inFlight, .waiting(until: 7), .ready]),
    ]

    @Test(arguments: Self.transitions) func `every step leads where it is drawn, or is impossible`(
        step: Step, expected: [State?]
    ) {
        for (state, expected) in zip(Self.states, expected) { #expect(state.after(step) == expected) }
    }

    @Test func `only what is under way or ready may end`() {
        #expect(Self.states.map { UnfinishedDelivery(state: $0).mayEnd } == [true, true, false, false])
    }
}

/// Random sequences of legal calls: what the cursor derives is compared with what a look at every delivery says, and
/// what it knows of every event with sets that a model keeps.
@Suite struct LaneCursorPropertyTests {
    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func `counts, queues, order and what is saved agree with a naive model`(seed: UInt64) throws {
        var model = Model(seed: seed)
        for step in 0..<600 {
            model.act()
            try #require(model.faults() == [], "seed \(seed), step \(step): \(model.last)")
        }
    }
}

private struct Model {
    private static let keys: UInt64 = 4
    private var random: SeededGenerator
    private var cursor: LaneCursor
    private var now: Int64 = 0
    private var deadline: Int64? = 100
    /// Events that were taken and neither delivered nor given up, and those queued by jobs.
    private var unfinished: Set<UInt64> = []
    private var replays: [UInt64: Int64] = [:]
    private var dead: Set<UInt64> = []
    /// What the event log has: rows of retries and dead letters, and the last progress.
    private var rows: [UInt64: RetryingDelivery] = [:]
    private var deadRows: Set<UInt64> = []
    /// Ready and never attempted, first in, first out.
    private var line: [UInt64] = []
    private var wrong: [String] = []
    private(set) var last = ""

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        cursor = LaneCursor(
            SavedLane(progress: LaneProgress(subscription: "app", taken: 0)), maxUnfinished: 30,
            deadlineNanoseconds: 100)
    }

    private mutating func pick<Element>(_ elements: some Collection<Element>) -> Element? {
        elements.isEmpty ? nil : Array(elements).randomElement(using: &random)
    }
    private func key(_ position: UInt64) -> [UInt8] { [UInt8(position % Self.keys)] }
    private func positions(_ state: UnfinishedDelivery.State) -> [UInt64] {
        cursor.deliveries.all.filter { $0.value.state == state }.keys.sorted()
    }
    private func isUntried(_ delivery: UnfinishedDelivery) -> Bool {
        delivery.state == .ready && delivery.attempts == 0
    }

    mutating func act() {
        if Bool.random(using: &random) { lineUp() }
        switch Int.random(in: 0..<48, using: &random) {
        case 0...12: take()
        case 13...22: start()
        case 23...34: end()
        case 35...38: tick()
        case 39...40: queueReplay()
        case 41: reconfigure()
        case 42...43: comeLate()
        case 44: halt()
        case 45...46: save()
        default: restart()
        }
        follow()
    }

    private mutating func take() {
        guard cursor.isLinedUp, cursor.hasRoom else { return }
        let position = cursor.taken + UInt64.random(in: 1...2, using: &random)
        if position > cursor.taken + 1 { cursor.skip(through: position - 1) }
        unfinished.insert(position)
        if cursor.mode.inBatches {
            last = "gather \(position)"
            return cursor.gather(position, bytes: 10, now: now)
        }
        let firstWait: Int64 = Bool.random(using: &random) ? 0 : 5
        let mustWait = cursor.mode.linesUp && unfinished.contains { $0 < position && key($0) == key(position) }
        last = "take \(position)"
        let isStarted = cursor.take(
            position, key: cursor.mode.linesUp ? key(position) : nil, firstWait: firstWait, now: now)
        if mustWait && isStarted || !mustWait && isStarted != (firstWait == 0) { wrong.append(last) }
    }

    private mutating func start() {
        guard cursor.isLinedUp, !cursor.isHalted else { return }
        if cursor.mode.inBatches, !cursor.gathering.events.isEmpty {
            guard !cursor.isBatchHeld else { return }
            last = "startBatch"
            _ = cursor.startBatch(Int.random(in: 1...6, using: &random), now: now)
            return
        }
        let isRetry = Bool.random(using: &random)
        let tried = cursor.deliveries.all.filter { $0.value.state == .ready && $0.value.attempts > 0 }
            .map { (end: $0.value.end(deadlineNanoseconds: deadline), position: $0.key) }
        let expected = isRetry ? tried.min { $0 < $1 }?.position : line.first
        last = "start \(isRetry)"
        let position = cursor.start(isRetry: isRetry, now: now)
        if position != expected { wrong.append("\(last): \(position ?? 0) instead of \(expected ?? 0)") }
        guard let position, cursor.mode.linesUp, cursor.deliveries[position]?.replay == nil else { return }
        if unfinished.contains(where: { $0 < position && key($0) == key(position) }) {
            wrong.append("\(last): \(position) out of turn")
        }
    }

    private mutating func end() {
        guard let position = pick(positions(.inFlight)), let before = cursor.deliveries[position] else { return }
        let events = [position] + before.members
        switch Int.random(in: 0..<14, using: &random) {
        case 0:
            last = "giveBack \(position)"
            return cursor.giveBack(position)
        case 1:
            last = "retry \(position) unread"
            return cursor.retry(position, due: now + 3)
        case 2:
            let missing = events.filter { _ in Bool.random(using: &random) }
            guard !missing.isEmpty else { return }
            last = "expire \(missing) of \(position)"
            _ = cursor.expire(missing, of: position, now: now)
            return gone(missing, isDead: true, replay: before.replay)
        case 3 where before.attempts == 0 && before.count > 1:
            last = "shorten \(position)"
            cursor.shorten(position, to: Int.random(in: 1..<before.count, using: &random))
            return resync()
        default: break
        }
        guard let counted = cursor.attemptEnded(position, number: before.attempts + 1) else {
            return wrong.append("an attempt under way was not known")
        }
        switch Int.random(in: 0..<8, using: &random) {
        case 0...2:
            last = "delivered \(position)"
            cursor.delivered(position)
            gone(events, isDead: false, replay: before.replay)
        case 3:
            last = "died \(position)"
            cursor.died(position, reason: "status", now: now)
            gone(events, isDead: true, replay: before.replay)
        case 4 where counted.count > 1:
            last = "halve \(position)"
            cursor.halve(position)
        default:
            last = "retry \(position)"
            cursor.retry(position, due: now + Int64.random(in: 1...40, using: &random))
        }
    }

    private mutating func gone(_ events: [UInt64], isDead: Bool, replay: Int64?) {
        for event in events {
            if replay == nil { unfinished.remove(event) } else { replays[event] = nil }
            if isDead { dead.insert(event) } else { dead.remove(event) }
        }
    }

    private mutating func tick() {
        now += Int64.random(in: 0...30, using: &random)
        last = "wake \(now)"
        cursor.wake(now: now)
        while let position = cursor.overdue(now: now), let delivery = cursor.deliveries[position] {
            cursor.died(position, reason: "deadline", now: now)
            gone([position] + delivery.members, isDead: true, replay: delivery.replay)
        }
    }

    private mutating func queueReplay() {
        let job = Int64.random(in: 1...3, using: &random)
        if Bool.random(using: &random) {
            let position = UInt64.random(in: 1...(cursor.taken + 3), using: &random)
            last = "replay \(position)"
            let isKnown = cursor.delivery(holding: position) != nil && !cursor.gathering.events.contains(position)
            cursor.replay(position, job: job)
            guard position <= cursor.taken, !isKnown else { return }
            // The replay does what the gathered event was to do.
            unfinished.remove(position)
            replays[position] = job
        } else {
            save()
            last = "dropReplays \(job)"
            for (position, delivery) in cursor.deliveries.all where isUntried(delivery) && delivery.replay == job {
                replays[position] = nil
                // The log deals with the rows.
                rows[position] = nil
            }
            cursor.dropReplays(of: job)
        }
    }

    private mutating func reconfigure() {
        let mode = LaneSettings.Mode(
            inBatches: Bool.random(using: &random), keepsKeyOrder: Bool.random(using: &random))
        deadline = pick([nil, 50, 100, 200] as [Int64?]) ?? nil
        last = "reconfigure \(mode)"
        cursor.reconfigure(
            mode, maxUnfinished: Int.random(in: 10...30, using: &random), deadlineNanoseconds: deadline)
        resync()
    }

    /// What comes late changes nothing.
    private mutating func comeLate() {
        let before = (cursor.deliveries.all, cursor.gathering.events)
        let position = UInt64.random(in: 1...(cursor.taken + 3), using: &random)
        last = "late \(position)"
        let number = (cursor.deliveries[position]?.attempts ?? 0) + (pick([0, 2, 5]) ?? 0)
        if cursor.attemptEnded(position, number: number) != nil { wrong.append(last) }
        let former = cursor.unlined.epoch - 1
        cursor.lineUp([position], keys: [key(position)], epoch: former)
        if before.0 != cursor.deliveries.all || before.1 != cursor.gathering.events { wrong.append(last) }
    }

    private mutating func halt() {
        last = "halt"
        if Bool.random(using: &random) { cursor.pause() } else { cursor.disable("410") }
        tick()
        last = "resume"
        cursor.resume(now: now)
    }

    private mutating func lineUp() {
        guard !cursor.isLinedUp else { return }
        let (positions, epoch) = cursor.unlined
        last = "lineUp \(positions)"
        cursor.lineUp(positions, keys: positions.map { key($0) }, epoch: epoch)
    }

    @discardableResult
    private mutating func save() -> LaneProgress {
        last = "save"
        let progress = cursor.takeProgress("app")
        for change in progress.changes {
            switch change {
            case .cleared(let position):
                rows[position] = nil
                deadRows.remove(position)
            case .retrying(let delivery): rows[delivery.position] = delivery
            case .dead(let letter):
                rows[letter.first] = nil
                deadRows.insert(letter.first)
            }
        }
        if deadRows != dead { wrong.append("dead letters \(deadRows) instead of \(dead)") }
        return progress
    }

    /// Saves and begins again with what the log has.
    private mutating func restart() {
        let progress = save()
        last = "restart"
        cursor = LaneCursor(
            SavedLane(progress: progress, retrying: rows.values.sorted { $0.position < $1.position }),
            maxUnfinished: 30, mode: cursor.mode, deadlineNanoseconds: deadline)
        // What was not begun of a job is read from its queue again.
        replays = replays.filter { rows[$0.key]?.replay != nil }
        resync()
    }

    /// Keeps the line. Where several came into it at once, in an order of their own, that is taken over.
    private mutating func follow() {
        let ready = cursor.deliveries.all.filter { isUntried($0.value) }.keys
        line.removeAll { !ready.contains($0) }
        let new = ready.filter { !line.contains($0) }.sorted()
        guard new.count < 2 else { return resync() }
        line = last.hasPrefix("giveBack") ? new + line : line + new
    }

    private mutating func resync() {
        line = cursor.deliveries.all.filter { isUntried($0.value) }.keys
            .sorted { (cursor.deliveries.readyAhead(of: $0) ?? 0) < (cursor.deliveries.readyAhead(of: $1) ?? 0) }
    }

    /// What does not agree.
    func faults() -> [String] {
        var faults = wrong
        func check(_ isRight: Bool, _ what: String) { if !isRight { faults.append(what) } }
        let (derived, all) = (cursor.deliveries, cursor.deliveries.all)
        let values = Array(all.values)
        let ends = values.map { ($0, $0.end(deadlineNanoseconds: deadline)) }
        check(derived.inFlight == values.count { $0.state == .inFlight }, "inFlight")
        check(derived.heldCount == values.count { $0.state == .held }, "held")
        check(derived.replayCount == values.count { $0.replay != nil }, "replays")
        check(derived.eventCount == values.reduce(0) { $0 + $1.count }, "events")
        let due = ends.compactMap { delivery, end -> Int64? in
            switch delivery.state {
            case .waiting(let until): min(until, end)
            case .held: end < .max ? end : nil
            case .ready, .inFlight: nil
            }
        }
        check(derived.nextDue == due.min(), "nextDue")
        check(
            derived.waitingCount == values.count { if case .waiting = $0.state { true } else { false } }, "waiting")
        let tried = ends.filter { $0.0.state == .ready && $0.0.attempts > 0 }.map(\.1)
        check(derived.nextEnd == tried.filter { $0 < .max }.min(), "nextEnd")
        check(derived.hasReady(isRetry: true) == !tried.isEmpty, "ready for a retry")
        check(derived.hasReady(isRetry: false) == !line.isEmpty, "ready")
        let ordinary = all.filter { $0.value.replay == nil }.flatMap { [$0.key] + $0.value.members }
        let events = ordinary + cursor.gathering.events
        if cursor.mode.inBatches, cursor.mode.keepsKeyOrder {
            let idle = all.filter { $0.value.replay == nil && $0.value.state != .inFlight }
            let isNext = all.count == idle.count + derived.replayCount
            check(idle.count { $0.value.state != .held } == (isNext ? min(1, idle.count) : 0), "batches out of turn")
            check(idle.isEmpty || !isNext || idle[idle.keys.min() ?? 0]?.state != .held, "the first batch is held")
        }
        check(Set(events) == unfinished && events.count == unfinished.count, "each unfinished event is somewhere once")
        check(Set(all.filter { $0.value.replay != nil }.keys) == Set(replays.keys), "each replay is somewhere once")
        check(cursor.mode.inBatches || cursor.gathering.events.isEmpty, "single events are not gathered")
        check(cursor.mode.inBatches || values.allSatisfy { $0.count == 1 || $0.state == .inFlight }, "split")
        guard cursor.mode.linesUp, cursor.isLinedUp else { return faults }
        for (position, delivery) in all where delivery.replay == nil && delivery.state != .inFlight {
            let isFirst = !unfinished.contains { $0 < position && key($0) == key(position) }
            // One whose deadline passes while it is held is given up out of turn.
            if isFirst { check(delivery.state != .held, "\(position) is held for nothing") }
        }
        return faults
    }
}
