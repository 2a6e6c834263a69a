import GRDB

/// Reads the event log through a connection that cannot write and never checkpoints. Open the writer first.
package final class SQLiteEventLogReader: EventLogReader {
    private let queue: DatabaseQueue

    /// Throws `EventLogError`.
    package init(path: String) throws(EventLogError) {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(2)
        configuration.label = "event-log-reader"
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
        } catch {
            throw EventLogError(error)
        }
    }

    package func cursor(_ name: String) throws -> UInt64? { try queue.read { try CursorTable.position(name, $0) } }

    package func batches(from position: UInt64, maxBytes: Int) throws -> LogChunk {
        try queue.read { db in
            let first = try EventTimes.firstPosition(db)
            // The row that holds the position begins at or below it.
            let start = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT max(first) FROM batch WHERE first <= ?"),
                arguments: [Int64(bitPattern: position)])
            let rows = try Row.fetchCursor(
                db.cachedStatement(
                    sql: """
                        SELECT b.first, b.taken_at, b.appended_at, e.events FROM batch b
                        JOIN batch_events e USING (first) WHERE b.first >= ? ORDER BY b.first
                        """), arguments: [start ?? 0])
            var batches: [EventBatch] = []
            var bytes = 0
            while bytes < maxBytes, let row = try rows.next() {
                let batch = try EventBatch(row: row)
                if batch.last < position { continue }
                batches.append(batch)
                bytes += batch.sizeBytes
            }
            return LogChunk(batches: batches, firstPosition: first)
        }
    }

    package func batch(holding position: UInt64) throws -> EventBatch? {
        try queue.read { try EventBatch.holding(position, in: $0) }
    }

    package func search(_ query: EventQuery) throws -> EventPage {
        try queue.read { try EventSearch(query).run($0) }
    }

    package func firstPosition() throws -> UInt64 {
        try queue.read { try EventTimes.firstPosition($0) }
    }

    package func position(at nanoseconds: Int64) throws -> UInt64 {
        try queue.read { try EventTimes.position(at: nanoseconds, $0) }
    }

    package func appended(_ position: UInt64) throws -> Int64? {
        try queue.read { db in
            try Int64.fetchOne(
                db.cachedStatement(
                    sql: "SELECT appended_at FROM batch WHERE first <= ? ORDER BY first DESC LIMIT 1"),
                arguments: [Int64(bitPattern: position)])
        }
    }

    package func queuedReplays(subscription: String, after ticket: Int64, limit: Int) throws -> [QueuedReplay] {
        try queue.read { try ReplayTables.queued(of: subscription, after: ticket, limit: limit, $0) }
    }

    package func queuedReplay(subscription: String, position: UInt64) throws -> QueuedReplay? {
        try queue.read { try ReplayTables.queued(of: subscription, at: position, $0) }
    }

    package func queuedReplayCount(subscription: String) throws -> Int {
        try queue.read { try ReplayTables.queuedCount(of: subscription, $0) }
    }

    package func replays(subscription: String?, before: Int64?, limit: Int) throws -> [ReplayJob] {
        try queue.read { try ReplayTables.page(subscription, before: before, limit: limit, $0) }
    }

    package func runningReplays() throws -> [ReplayJob] {
        try queue.read { try ReplayTables.running($0) }
    }

    package func progress(of subscription: String) throws -> (taken: UInt64, unfinished: Set<UInt64>)? {
        try queue.read { db in
            guard let progress = try LaneTables.progress(subscription, db) else { return nil }
            return (progress.taken, try LaneTables.unfinished(subscription, db))
        }
    }

    package func replay(id: Int64) throws -> ReplayJob? {
        try queue.read { try ReplayTables.one(id, $0) }
    }

    package func deadLetters(_ query: DeadLetterQuery) throws -> DeadLetterPage {
        try queue.read { try DeadLetterTable.page(query, $0) }
    }

    package func deadLetterTotals(_ filter: DeadLetterFilter) throws -> [DeadLetterTotal] {
        try queue.read { try DeadLetterTable.totals(filter, $0) }
    }

    package func deadLetterCounts() throws -> [String: Int] {
        try queue.read { try DeadLetterTable.counts($0) }
    }

    package func deadLetter(subscription: String, position: UInt64) throws -> DeadLetter? {
        try queue.read { try DeadLetterTable.one(subscription, holding: position, $0) }
    }

    package func attempts(_ query: AttemptQuery) throws -> AttemptPage {
        try queue.read { try AttemptTable.page(query, $0) }
    }

    package func attempts(position: UInt64) throws -> [(subscription: String, attempt: AttemptRecord)] {
        try queue.read { try AttemptTable.attempts(at: position, $0) }
    }

    package func quarantined(_ query: QuarantineQuery) throws -> QuarantinePage {
        try queue.read { try QuarantineTable.page(query, $0) }
    }

    package func quarantined(id: Int64) throws -> QuarantinedWebhook? {
        try queue.read { try QuarantineTable.one(id, $0) }
    }

    package func quarantineTotals(_ filter: QuarantineFilter) throws -> [QuarantineTotal] {
        try queue.read { try QuarantineTable.totals(filter, $0) }
    }
}
