import EventLog
import NIOCore
import StageMetrics

/// How a lane sends many events in one request: what it gathers goes out every so often, at most so many at once; the
/// rest waits for the next request. A batch that failed is sent again whole, under the same id.
extension Lane {
    /// Most bytes of events in one request; a single larger event travels alone.
    static let batchBytes = 4 << 20

    func pumpBatches(_ batch: LaneSettings.Batch, now: Int64) {
        while let isRetry = cursor.nextReadyIsRetry, mayStart(isRetry: isRetry, now: now),
            let position = cursor.takeReady(now: now)
        {
            gate.started(isRetry: isRetry, now: now)
            fetchBatch(position)
        }
        gather(batch, now: now)
        guard !cursor.gathered.isEmpty else { return }
        let due = (gathering.since ?? now) + batch.everyNanoseconds
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
        if let since = gathering.since { armTimer(due: since + batch.everyNanoseconds, now: now) }
    }

    /// What is known of the batch being gathered.
    struct Gathering {
        /// When its first event was taken: nanoseconds since 1970.
        var since: Int64?
        var bytes = 0
    }

    private func gather(_ batch: LaneSettings.Batch, now: Int64) {
        if !cursor.gathered.isEmpty, gathering.since == nil { gathering.since = now }
        while cursor.gathered.count < batch.maxEvents, gathering.bytes < Self.batchBytes, cursor.hasRoom,
            let rows = nextBatch()
        {
            while cursor.taken < rows.last {
                guard cursor.gathered.count < batch.maxEvents, gathering.bytes < Self.batchBytes, cursor.hasRoom else {
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
        source.readContents(of: positions, as: settings.format, maxBytes: isNew ? Self.batchBytes : .max) {
            [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let events): attemptBatch(position, events, isNew: isNew)
            case .failure: notRead(position)
            }
        }
    }

    /// `events` may end early where a new batch would become too large.
    private func attemptBatch(_ position: UInt64, _ events: [RenderedEvent], isNew: Bool) {
        guard let first = events.first else { return expired(position) }
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
}
