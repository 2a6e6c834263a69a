import GRDB

/// Finds rows by time. Rows are appended in the order of time, webhooks are received by several clocks and may wait
/// before they are appended: so an event was appended after it was received, but for what the clocks differ.
enum EventTimes {
    /// How far the clocks of ingresses may be ahead of the router's.
    static let skewNanoseconds: Int64 = 60 * 1_000_000_000

    /// The first row that can hold an event received at or after that time, by bisection; nil where there is none.
    static func firstRow(since nanoseconds: Int64, _ db: Database) throws -> Int64? {
        let (oldest, overflows) = nanoseconds.subtractingReportingOverflow(skewNanoseconds)
        // One at a time: each finds its end of the table, both together walk over it.
        guard var low = try Int64.fetchOne(db, sql: "SELECT min(first) FROM batch"),
            let highest = try Int64.fetchOne(db, sql: "SELECT max(first) FROM batch")
        else { return nil }
        if overflows { return low }
        let probe = try db.cachedStatement(
            sql: "SELECT first, appended_at FROM batch WHERE first <= ? ORDER BY first DESC LIMIT 1")
        // All rows before `low` are older; `high` is one that is not, or lies behind the last.
        var high = highest + 1
        while low < high {
            let middle = low + (high - low) / 2
            guard let row = try Row.fetchOne(probe, arguments: [middle]) else { return low }
            if (row[1] as Int64) < oldest { low = middle + 1 } else { high = row[0] }
        }
        return low > highest ? nil : low
    }

    /// The first position still held; the next that will be given where none is.
    static func firstPosition(_ db: Database) throws -> UInt64 {
        try Int64.fetchOne(db, sql: "SELECT min(first) FROM batch").map { UInt64(bitPattern: $0) } ?? nextPosition(db)
    }

    private static func nextPosition(_ db: Database) throws -> UInt64 {
        UInt64(bitPattern: try Int64.fetchOne(db, sql: "SELECT next_position FROM state") ?? 1)
    }

    /// The first position received at or after that time; the next that will be given where there is none.
    static func position(at nanoseconds: Int64, _ events: EventReader, _ db: Database) throws -> UInt64 {
        if let start = try firstRow(since: nanoseconds, db) {
            let first = try Int64.fetchOne(
                db, sql: "SELECT first FROM batch WHERE first >= ? AND latest >= ? ORDER BY first LIMIT 1",
                arguments: [start, nanoseconds])
            if let first, let batch = try events.batch(holding: UInt64(bitPattern: first), db) {
                let positions = batch.first...batch.last
                return positions.first { position in
                    batch.withRecord(at: position) { $0.receivedAtNanoseconds >= nanoseconds } ?? false
                } ?? batch.first
            }
        }
        return try nextPosition(db)
    }
}
