import EventLog
import NIOCore
import StageMetrics

/// How a lane sends many events in one request: what it gathers goes out every so often, at most so many at once; the
/// rest waits for the next request. A batch that failed is sent again whole, under the same id; one that its subscriber
/// finds too large goes on as two halves, each under an id of its own.
extension Lane {
    func pumpBatches(_ batch: LaneSettings.Batch, now: Int64) {
        startReady(now: now) { fetchBatch($0) }
        gather(batch, now: now)
        guard !cursor.gathered.isEmpty else { return }
        let due = (gathering.since ?? now) + settings.gatheringNanoseconds
        guard now >= due else { return armTimer(due: due, now: now) }
        // In key order one batch at a time keeps the order of every key; replays wait for nothing and hold nothing up.
        let mustWait = settings.keepsKeyOrder && cursor.unfinished.count > cursor.replayCount
        guard !mustWait, mayStart(isRetry: false, now: now) else { return }
        let position = cursor.sendGathered(batch.maxEvents, now: now)
        gathering = Gathering(since: cursor.gathered.isEmpty ? nil : now)
        gate.started(isRetry: false, now: now)
        fetchBatch(position)
        // What is left begins its own wait.
        gather(batch, now: now)
        if let since = gathering.since { armTimer(due: since + settings.gatheringNanoseconds, now: now) }
    }

    /// What is known of the batch being gathered.
    struct Gathering {
        /// When its first event was taken.
        var since: Int64?
        var bytes = 0
    }

    private func gather(_ batch: LaneSettings.Batch, now: Int64) {
        if !cursor.gathered.isEmpty, gathering.since == nil { gathering.since = now }
        while cursor.gathered.count < batch.maxEvents, gathering.bytes < batch.maxBytes, cursor.hasRoom,
            let rows = nextBatch()
        {
            while cursor.taken < rows.last {
                guard cursor.gathered.count < batch.maxEvents, gathering.bytes < batch.maxBytes, cursor.hasRoom else {
                    return
                }
                guard let position = advance(in: rows) else { break }
                gathering.since = gathering.since ?? now
                gathering.bytes += rows.body(at: position)?.readableBytes ?? 0
                cursor.gather(position)
            }
        }
    }

    /// Puts the events of a batch together, from memory or from disk, and attempts it.
    private func fetchBatch(_ position: UInt64) {
        let isNew = cursor.unfinished[position]?.attempts == 0
        let positions = cursor.positions(of: position)
        let near = positions.compactMap { each in
            source.feed.batch(holding: each).flatMap { RenderedEvent(at: each, in: $0, as: settings.format) }
        }
        if near.count == positions.count { return attemptBatch(position, near, isNew: isNew) }
        let maxBytes = isNew ? settings.batch?.maxBytes : nil
        source.readContents(of: positions, as: settings.format, maxBytes: maxBytes ?? .max) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let found):
                guard let position = expire(found.missing, of: position) else { return }
                attemptBatch(position, found.events, isNew: isNew)
            case .failure: notRead(position)
            }
        }
    }

    /// Retention dropped some events of a delivery. Returns what it goes by without them; nil where nothing is left.
    private func expire(_ missing: [UInt64], of position: UInt64) -> UInt64? {
        guard !missing.isEmpty else { return position }
        guard missing.count < cursor.count(of: position) else {
            expired(position)
            return nil
        }
        metrics.expired.add(missing.count)
        defer { leaveKeys(missing) }
        return cursor.expire(missing, of: position, now: clock.now)
    }

    /// `events` may end early where a new batch would become too large.
    private func attemptBatch(_ position: UInt64, _ events: [RenderedEvent], isNew: Bool) {
        var events = events
        if isNew, let batch = settings.batch { events.removeLast(events.count - batch.fitting(events)) }
        guard let first = events.first else { return giveBack(position) }
        if isNew, events.count < cursor.count(of: position) {
            cursor.shorten(position, to: events.count)
            // Batches may have been given up while this one was read.
            if settings.batch == nil { cursor.regroup(inBatches: false) }
        }
        let positions = cursor.positions(of: position)
        attempt(
            position, EventFormat.joined(events.map(\.content.body), as: settings.format),
            named: .batch(first: position, last: positions.last ?? position, count: positions.count),
            receivedAt: first.receivedAtNanoseconds)
    }

    /// The subscriber finds a batch too large.
    func halve(_ position: UInt64) {
        let inOrder = settings.batch != nil && settings.keepsKeyOrder
        for half in cursor.halve(position, inOrder: inOrder) { separate(half) }
    }
}

extension LaneSettings.Batch {
    /// How many of these events fit into one request, and never less than one: an array in JSON.
    fileprivate func fitting(_ events: [RenderedEvent]) -> Int {
        var bytes = 1
        for (index, event) in events.enumerated() {
            // With a comma or the bracket.
            bytes += event.content.body.readableBytes + 1
            if bytes > maxBytes { return max(1, index) }
        }
        return events.count
    }
}
