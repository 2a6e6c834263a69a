import EventLog
import NIOCore
import StageMetrics

/// How a lane takes events up: rows from the feed or the log, bodies of what is tried again, and replays.
extension Lane {
    /// The row with the next event; nil while it has to be read, or there is none.
    func nextBatch() -> RenderedBatch? {
        let position = cursor.taken + 1
        if let current, current.first <= position, position <= current.last { return current }
        current = nil
        guard position < source.feed.next else { return nil }
        if let batch = source.feed.batch(holding: position) {
            chunk.removeAll()
            current = batch
            return batch
        }
        while let batch = chunk.first {
            chunk.removeFirst()
            guard batch.last >= position else { continue }
            if batch.first > position { expire(through: batch.first - 1) }
            current = batch
            return batch
        }
        readChunk(from: position)
        return nil
    }

    /// Passes over what the filter does not take. Returns the next event that it does; nil at the end of the row.
    func advance(in batch: RenderedBatch) -> UInt64? {
        var position = cursor.taken + 1
        while let next = batch.firstMatch(from: position, settings.matcher) {
            if contentMatcher.map({ batch.batch.withRecord(at: next, $0.matches) ?? false }) ?? true {
                if next > cursor.taken + 1 { cursor.skip(next - 1) }
                return next
            }
            position = next + 1
        }
        cursor.skip(batch.last)
        return nil
    }

    func workOff(_ batch: RenderedBatch, now: Int64) {
        while cursor.taken < batch.last, mayStart(isRetry: false, now: now), cursor.hasRoom {
            guard let position = advance(in: batch) else { return }
            var mustWait = false
            let receivedAt = batch.batch.withRecord(at: position) { record -> Int64 in
                if settings.keepsKeyOrder { mustWait = !keys.enter(position, key: record.partitionKey) }
                return record.receivedAtNanoseconds
            }
            guard let receivedAt, let content = EventFormat.content(of: position, in: batch, as: settings.format) else {
                cursor.skip(position)
                continue
            }
            guard !mustWait else {
                cursor.hold(position)
                continue
            }
            let firstWait = settings.policy.firstWaitNanoseconds
            guard firstWait == 0 else {
                cursor.delay(position, due: now + firstWait)
                continue
            }
            cursor.take(position, now: now)
            gate.started(isRetry: false, now: now)
            attempt(position, content, named: .event(position), receivedAt: receivedAt)
        }
    }

    private func readChunk(from position: UInt64) {
        guard !isReading else { return }
        isReading = true
        source.readChunk(from: position) { [weak self] result in
            guard let self else { return }
            isReading = false
            switch result {
            case .success(let (batches, firstPosition)):
                if firstPosition > cursor.taken + 1 { expire(through: firstPosition - 1) }
                if !isStopping { chunk = batches }
                if batches.isEmpty { pumpLater() } else { pump() }
            case .failure:
                pumpLater()
            }
        }
    }

    /// The log gave nothing where something must be: asked again in a while, without a busy loop.
    private func pumpLater() {
        loop.assumeIsolated().scheduleTask(in: .milliseconds(200)) { [weak self] in self?.pump() }
    }

    private func expire(through last: UInt64) {
        metrics.expired.add(Int(last - cursor.taken))
        cursor.expire(through: last, now: clock.now)
    }

    /// Reads the body of a delivery that is tried again; the feed has mostly moved on.
    func fetch(_ position: UInt64) {
        if let batch = source.feed.batch(holding: position),
            let content = EventFormat.content(of: position, in: batch, as: settings.format)
        {
            let receivedAt = batch.batch.withRecord(at: position) { $0.receivedAtNanoseconds }
            attempt(position, content, named: .event(position), receivedAt: receivedAt ?? 0)
            return
        }
        source.readContent(at: position, as: settings.format) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let found?):
                attempt(position, found.content, named: .event(position), receivedAt: found.receivedAtNanoseconds)
            case .success(nil): expired(position)
            case .failure: notRead(position)
            }
        }
    }

    /// Retention dropped what was to be sent.
    func expired(_ position: UInt64) {
        metrics.expired.add(cursor.count(of: position))
        ends(position) { $0.died(position, reason: "expired", now: clock.now) }
        pump()
    }

    /// The log could not be read: again in a second; this is no attempt.
    func notRead(_ position: UInt64) {
        retry(position, due: clock.now + 1_000_000_000)
        pump()
    }

    // MARK: Order

    /// Puts what is unfinished in line by its keys, in log order. What is under way already stays so: order is kept from
    /// here on. Replays wait for no other event, and none waits for them: an operator asked for them at this time.
    func lineUp() {
        guard !isReading else { return }
        isReading = true
        let (positions, epoch) = (cursor.ordinary, orderEpoch)
        source.readKeys(of: positions) { [weak self] result in
            guard let self else { return }
            isReading = false
            guard epoch == orderEpoch else { return pump() }
            guard case .success(let found) = result else { return pumpLater() }
            let unfinished = Set(cursor.ordinary)
            for (position, key) in zip(positions, found) where unfinished.contains(position) {
                let mayGo = keys.enter(position, key: key)
                if !mayGo, cursor.unfinished[position] != nil { cursor.hold(position) }
            }
            isLinedUp = true
            pump()
        }
    }

    /// Ends a delivery by `body`; what waited for it has its turn.
    func ends(_ position: UInt64, _ body: (inout LaneCursor) -> Void) {
        let positions = keys.isEmpty ? [] : cursor.positions(of: position)
        let isReplay = cursor.unfinished[position]?.replay != nil
        body(&cursor)
        leaveKeys(positions)
        // What is held of batches is the half of one.
        if settings.batch != nil, !isReplay { cursor.releaseFirst() }
    }

    func leaveKeys(_ positions: [UInt64]) {
        for position in positions {
            if let next = keys.leave(position) { cursor.release(next) }
        }
    }

    /// Puts a delivery off. A batch whose subscription takes single events now is split.
    func retry(_ position: UInt64, due: Int64) {
        cursor.retry(position, due: due)
        separate(position)
    }

    /// Gives a delivery back whose attempt did not begin.
    func giveBack(_ position: UInt64) {
        cursor.giveBack(position)
        separate(position)
    }

    func separate(_ position: UInt64) {
        guard settings.batch == nil else { return }
        let positions = cursor.positions(of: position)
        cursor.split(position)
        for position in positions where !keys.mayGo(position) { cursor.hold(position) }
    }

    // MARK: Replays

    /// Deliveries were queued for replay. In key order too they go at once: a replay waits for no other event.
    func replaysQueued() {
        hasReplays = true
        pump()
    }

    /// Reads each ticket once, in their order; its row stays until the delivery ends.
    func takeUpReplays() {
        guard hasReplays, cursor.room > 0, !isReading else { return }
        isReading = true
        hasReplays = false
        let room = cursor.room
        source.readReplays(settings.name, after: lastTicket, limit: room) { [weak self] result in
            guard let self else { return }
            isReading = false
            guard case .success(let queued) = result else {
                hasReplays = true
                return pumpLater()
            }
            if queued.count == room { hasReplays = true }
            for replay in queued {
                lastTicket = replay.ticket
                cursor.replay(replay.position, job: replay.job)
            }
            pump()
        }
    }
}
