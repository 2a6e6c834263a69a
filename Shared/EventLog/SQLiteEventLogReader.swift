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

    package func batches(from position: UInt64, maxBytes: Int) throws -> LogChunk {
        try queue.read { db in
            let first =
                try Int64.fetchOne(db, sql: "SELECT min(first) FROM batch")
                ?? Int64.fetchOne(db, sql: "SELECT next_position FROM state") ?? 1
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
            return LogChunk(batches: batches, firstPosition: UInt64(bitPattern: first))
        }
    }

    package func batch(holding position: UInt64) throws -> EventBatch? {
        try queue.read { try EventBatch.holding(position, in: $0) }
    }

    package func search(_ query: EventQuery) throws -> EventPage {
        try queue.read { try EventSearch(query).run($0) }
    }

    package func queuedReplays(subscription: String, after: UInt64, limit: Int) throws -> [UInt64] {
        try queue.read { db in
            try Int64.fetchAll(
                db,
                sql: """
                    SELECT position FROM exception WHERE subscription = ? AND state = 'queued' AND position > ?
                    ORDER BY position LIMIT ?
                    """, arguments: [subscription, Int64(bitPattern: after), limit]
            ).map { UInt64(bitPattern: $0) }
        }
    }

    package func deadLetters(subscription: String?, limit: Int) throws -> [(subscription: String, letter: DeadLetter)] {
        try queue.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT position, last, reason, attempts, at, subscription FROM exception
                    WHERE state = 'dead' AND (?1 IS NULL OR subscription = ?1)
                    ORDER BY subscription, position LIMIT ?2
                    """, arguments: [subscription, limit]
            ).map { ($0[5], DeadLetter(row: $0)) }
        }
    }

    package func deadLetterCounts() throws -> [String: Int] {
        try queue.read { db in
            var counts: [String: Int] = [:]
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT subscription, sum(last - position + 1) FROM exception WHERE state = 'dead'
                    GROUP BY subscription
                    """)
            for row in rows { counts[row[0]] = row[1] }
            return counts
        }
    }

    package func deadLetter(subscription: String, position: UInt64) throws -> DeadLetter? {
        try queue.read { db in
            try Row.fetchOne(
                db,
                sql: """
                    SELECT position, last, reason, attempts, at FROM exception
                    WHERE subscription = ?1 AND state = 'dead' AND position <= ?2 AND last >= ?2
                    """, arguments: [subscription, Int64(bitPattern: position)]
            ).map { DeadLetter(row: $0) }
        }
    }

    package func attempts(position: UInt64) throws -> [(subscription: String, attempt: AttemptRecord)] {
        try queue.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT subscription, position, number, started, duration, outcome, status, detail FROM attempt
                    WHERE position = ? ORDER BY id
                    """, arguments: [Int64(bitPattern: position)]
            ).map { row in
                (
                    row[0],
                    AttemptRecord(
                        position: position, number: row[2], startedNanoseconds: row[3], durationNanoseconds: row[4],
                        outcome: row[5], status: row[6], detail: row[7])
                )
            }
        }
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

extension DeadLetter {
    /// Reads the columns position, last, reason, attempts, at.
    fileprivate init(row: Row) {
        self.init(
            first: UInt64(bitPattern: row[0] as Int64), last: UInt64(bitPattern: row[1] as Int64), reason: row[2],
            attempts: row[3], diedAtNanoseconds: row[4])
    }
}
