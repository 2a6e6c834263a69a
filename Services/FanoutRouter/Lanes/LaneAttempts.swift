import EventLog
import Events
import NIOCore
import Primitives
import StageMetrics
import StageRuntime

/// How a lane makes attempts, and what follows from them.
extension Lane {
    func attempt(_ position: UInt64, _ content: DeliveryContent, named name: DeliveryName, receivedAt: Int64) {
        // Its body was being read while the subscription was halted.
        guard !isStopping, !cursor.isHalted else { return giveBack(position) }
        let started = clock.now
        guard !cursor.isOverdue(position, now: started) else {
            giveBack(position)
            return giveUp(now: started)
        }
        let entry = cursor.unfinished[position]
        var request = OutboundRequest(
            head: ByteBufferAllocator().buffer(capacity: 512), body: content.body,
            timeoutNanoseconds: settings.policy.timeout(
                settings.timeoutNanoseconds, now: started, firstAttempt: cursor.firstAttempt(position) ?? started))
        head.write(
            name, mark: entry?.replay.map { .replay($0) }, attempt: (entry?.attempts ?? 0) + 1,
            nowSeconds: clock.wall() / 1_000_000_000, content: content, to: &request.head)
        transport.send(request) { [weak self] outcome, answer in
            self?.finished(position, started: started, receivedAt: receivedAt, outcome, answer)
        }
    }

    /// Sends one request that is no part of the log and says what came of it. It heeds the time-out and nothing else:
    /// neither pause nor breaker nor limits, and it counts nowhere.
    func probe(_ content: DeliveryContent, done: @escaping (AttemptRecord) -> Void) {
        let (started, wall) = (clock.now, clock.wall())
        var request = OutboundRequest(
            head: ByteBufferAllocator().buffer(capacity: 512), body: content.body,
            timeoutNanoseconds: settings.timeoutNanoseconds)
        head.write(
            .test(.random(in: 0 ... .max)), mark: .test, attempt: 1, nowSeconds: wall / 1_000_000_000,
            content: content, to: &request.head)
        transport.send(request) { [clock] outcome, answer in
            done(
                AttemptRecord(
                    position: 0, number: 1, startedNanoseconds: wall, durationNanoseconds: clock.now - started,
                    outcome: outcome.word, status: outcome.status,
                    detail: outcome.detail, answer: answer))
        }
    }

    private func finished(
        _ position: UInt64, started: Int64, receivedAt: Int64, _ outcome: AttemptOutcome, _ answer: [UInt8]
    ) {
        let now = clock.now
        let number = cursor.attempted(position)
        let events = cursor.count(of: position)
        let consequence = settings.policy.consequence(
            of: outcome, attempt: number, now: now, firstAttempt: cursor.firstAttempt(position) ?? now,
            chance: .random(in: 0...1), batchOf: settings.batch == nil && events == 1 ? nil : events)
        metrics.count(outcome, durationNanoseconds: now - started)
        let replay = cursor.unfinished[position]?.replay
        history.add(
            AttemptRecord(
                position: position, number: number, startedNanoseconds: clock.wall(at: started),
                durationNanoseconds: now - started,
                outcome: outcome.word, status: outcome.status, detail: outcome.detail, answer: answer, replay: replay),
            isEveryday: consequence == .delivered && number == 1 && replay == nil)
        follow(consequence, of: outcome, position, now: now)
        // A replay is late because an operator asked for it late.
        if consequence == .delivered, replay == nil {
            metrics.receiptToDelivery.record(nanoseconds: clock.wall() - receivedAt)
        }
        pump()
    }

    private func follow(
        _ consequence: RetryPolicy.Consequence, of outcome: AttemptOutcome, _ position: UInt64, now: Int64
    ) {
        switch consequence {
        case .delivered:
            gate.succeeded(inFlight: cursor.inFlight)
            metrics.delivered.add(cursor.count(of: position))
            ends(position) { $0.delivered(position) }
        case .disable:
            retry(position, due: now)
            disable("the subscriber answered 410 at position \(position)")
        case .again(let due):
            retry(position, due: due)
            noteFailure(now: now)
        case .halve: halve(position)
        case .dead(let isFinal):
            let isAlone = outcome.status == 413 && settings.batch != nil
            let reason = isAlone ? "status 413: too large for the subscriber even alone" : outcome.reason
            die(position, reason, now: now)
            // A final answer is about one event; the endpoint works.
            if !isFinal { noteFailure(now: now) }
        }
    }

    private func die(_ position: UInt64, _ reason: String, now: Int64) {
        metrics.dead.add(cursor.count(of: position))
        ends(position) { $0.died(position, reason: reason, now: now) }
    }

    /// Gives up what found no room for its next attempt until its deadline.
    func giveUp(now: Int64) {
        while let position = cursor.overdue(now: now) {
            let limit = Duration.nanoseconds(settings.policy.deadlineNanoseconds ?? 0)
            die(position, "deadline: not delivered within \(DurationText.text(limit)) of its first attempt", now: now)
        }
    }

    private func noteFailure(now: Int64) {
        gate.failed(now: now, chance: .random(in: 0...1))
        guard let since = gate.failingSince, let limit = settings.disableAfterNanoseconds, now - since >= limit else {
            return
        }
        disable("nothing was delivered since \(RFC3339.text(clock.wall(at: since)))")
    }

    private func disable(_ reason: String) {
        guard !cursor.isDisabled else { return }
        cursor.disable(reason)
        source.laneDisabled(settings.name, reason)
    }
}
