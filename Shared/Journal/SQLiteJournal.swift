import GRDB
import GRDBSQLite
package import Wire

/// The embedded journal: one SQLite file, one row per batch, one fsync per `append`.
///
/// Two tables. `identity` has one row (journal id, next sequence, watermark) that every append writes, so an emptied
/// journal never starts again at 1. `batches` has a row per batch: first sequence, count, and the bytes that go on
/// the bus. After a failed write or fsync the journal is failed for good: what the disk holds then is unknown.
package final class SQLiteJournal: Journal {
    package private(set) var id: JournalID
    package private(set) var nextSequence: UInt64
    package private(set) var firstRetained: UInt64
    package private(set) var watermark: UInt64
    package private(set) var retainedBytes: Int
    /// What recovery dropped at start, as a sentence; nil after an orderly end.
    package let recoveryNotice: String?

    private let folder: JournalFolder
    let queue: DatabaseQueue
    private let budgetBytes: Int
    private let pageSizeBytes: Int
    private var failure: JournalError?
    /// No batch ends at or below this; spares the look for settled ones.
    private var nothingSettledBelow: UInt64 = 0
    /// A guess at the length of the write-ahead log.
    private var logBytes = 0

    /// Settled batches deleted in one transaction …
    private static let deletionsPerStep = 32
    /// … and the log's length from which it is copied into the database, when busy and when idle.
    private static let checkpointBytes = 16 << 20
    private static let idleCheckpointBytes = 1 << 20

    /// Opens or creates the journal in `path`, locks it and recovers it. `budgetBytes` bounds the retained frames.
    package init(path: String, budgetBytes: Int, pageSizeBytes: Int = 4096) throws(JournalError) {
        let folder = try JournalFolder(path: path)
        let tail = folder.inspectLog()
        queue = try JournalDatabase.open(folder, pageSizeBytes: pageSizeBytes)
        let facts = try JournalDatabase.readFacts(queue, path: folder.databasePath)
        self.folder = folder
        self.budgetBytes = budgetBytes
        self.pageSizeBytes = pageSizeBytes
        id = facts.id
        nextSequence = facts.next
        firstRetained = facts.firstRetained
        watermark = facts.watermark
        retainedBytes = facts.retainedBytes
        logBytes = tail?.committedBytes ?? 0
        recoveryNotice = tail.flatMap(Self.notice)
    }

    package var hasSettledBatches: Bool { watermark >= firstRetained && watermark >= nothingSettledBelow }

    package func append(_ batches: consuming [RecordBatch]) throws(JournalError) -> [RecordBatch] {
        let bytes = batches.reduce(0) { $0 + $1.byteCount }
        while retainedBytes + bytes > budgetBytes, hasSettledBatches { try tidy() }
        guard retainedBytes + bytes <= budgetBytes else {
            throw JournalError(
                .overBudget,
                "the journal holds \(retainedBytes) bytes of unsettled webhooks, its budget is \(budgetBytes); see why "
                    + "the router does not settle, or raise disk_budget_bytes")
        }
        var sealed = batches
        var end = nextSequence
        for index in sealed.indices {
            sealed[index].seal(journal: id, first: end)
            end = sealed[index].end
        }
        let deletion = try write { db in
            for batch in sealed { try insert(batch, db) }
            let deletion = try deleteSettled(db, limit: max(Self.deletionsPerStep, 2 * sealed.count))
            try writeIdentity(db, id: id, next: end)
            return deletion
        }
        nextSequence = end
        retainedBytes += bytes
        forget(deletion)
        logBytes += bytes + (sealed.count + 3) * pageSizeBytes
        if logBytes > Self.checkpointBytes { try checkpoint() }
        return sealed
    }

    package func settle(through sequence: UInt64) {
        guard sequence > watermark, sequence < nextSequence else { return }
        watermark = sequence
    }

    package func tidy() throws(JournalError) {
        if hasSettledBatches {
            let deletion = try write { db in
                let deletion = try deleteSettled(db, limit: Self.deletionsPerStep)
                if deletion.bytes > 0 { try writeIdentity(db, id: id, next: nextSequence) }
                return deletion
            }
            forget(deletion)
            logBytes += 4 * pageSizeBytes
        } else if logBytes > Self.idleCheckpointBytes {
            try checkpoint()
        }
    }

    package func read(
        from sequence: UInt64, maxRecords: Int, maxBytes: Int
    ) throws(JournalError) -> [RecordBatch] {
        let path = folder.databasePath
        return try run { db in
            var found: [RecordBatch] = []
            var records = 0
            var bytes = 0
            let statement = try db.cachedStatement(
                sql: """
                    SELECT first, count, frame FROM batches
                    WHERE first >= coalesce((SELECT max(first) FROM batches WHERE first <= ?), 0) ORDER BY first
                    """)
            try forEachRow(statement, from: sequence, db) { batch in
                let limit = found.isEmpty ? maxBytes : maxBytes - bytes
                guard limit > 0,
                    let part = batch.part(from: sequence, maxRecords: maxRecords - records, maxBytes: limit)
                else { return records < maxRecords && bytes < maxBytes }
                guard batch.isWhole || part.count == batch.count else {
                    throw JournalError(.corrupt, "\(path): batch \(batch.first) is not whole")
                }
                // A part holds at least one record; a further one must not burst the limit.
                guard found.isEmpty || part.byteCount <= limit else { return false }
                found.append(part)
                records += part.count
                bytes += part.byteCount
                return part.end == batch.end && records < maxRecords && bytes < maxBytes
            }
            return found
        }
    }

    package func renumber(newID: JournalID) throws(JournalError) {
        let offset = watermark
        let path = folder.databasePath
        var bytes = 0
        try write { db in
            let firsts = try Int64.fetchAll(db, sql: "SELECT first FROM batches ORDER BY first")
            let statement = try db.cachedStatement(sql: "SELECT first, count, frame FROM batches WHERE first = ?")
            for first in firsts {
                var found: RecordBatch?
                try forEachRow(statement, from: UInt64(first), db) { batch in
                    found = batch
                    return false
                }
                try db.execute(sql: "DELETE FROM batches WHERE first = ?", arguments: [first])
                guard var unsettled = found?.part(from: offset + 1, maxRecords: .max, maxBytes: .max) else { continue }
                guard unsettled.isWhole else {
                    throw JournalError(.corrupt, "\(path): batch \(first) is not what its count says")
                }
                unsettled.seal(journal: newID, first: unsettled.first - offset)
                bytes += unsettled.byteCount
                try insert(unsettled, db)
            }
            try writeIdentity(db, id: newID, next: nextSequence - offset, watermark: 0)
        }
        id = newID
        nextSequence -= offset
        watermark = 0
        firstRetained = 1
        nothingSettledBelow = 0
        retainedBytes = bytes
        try checkpoint()
    }
}

extension SQLiteJournal {
    /// Rows deleted in a transaction; counts only once it is committed.
    private struct Deletion {
        var bytes = 0
        var firstRetained: UInt64?
        var nothingSettledBelow: UInt64?
    }

    private func insert(_ batch: RecordBatch, _ db: Database) throws {
        let statement = try db.cachedStatement(sql: "INSERT INTO batches VALUES (?, ?, ?)")
        let handle = statement.sqliteStatement
        sqlite3_reset(handle)
        defer {
            sqlite3_reset(handle)
            sqlite3_clear_bindings(handle)
        }
        sqlite3_bind_int64(handle, 1, Int64(batch.first))
        sqlite3_bind_int64(handle, 2, Int64(batch.count))
        // Bound without a copy: the statement is done with the bytes before the closure ends.
        let code = batch.withBytes { bytes in
            sqlite3_bind_blob(handle, 3, bytes.baseAddress, Int32(bytes.count), nil)
            return sqlite3_step(handle)
        }
        guard code == SQLITE_DONE else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }

    private func writeIdentity(_ db: Database, id: JournalID, next: UInt64, watermark: UInt64? = nil) throws {
        let statement = try db.cachedStatement(sql: "UPDATE identity SET journal = ?, next = ?, watermark = ?")
        try statement.execute(arguments: [id.description, Int64(next), Int64(watermark ?? self.watermark)])
    }

    private func deleteSettled(_ db: Database, limit: Int) throws -> Deletion {
        var deletion = Deletion()
        guard hasSettledBatches else { return deletion }
        let oldest = try db.cachedStatement(
            sql: "SELECT first, count, length(frame) FROM batches ORDER BY first LIMIT \(limit)")
        let rows = try Row.fetchAll(oldest)
        for row in rows {
            let end = UInt64(row[0] as Int64) + UInt64(row[1] as Int64)
            guard end - 1 <= watermark else {
                deletion.nothingSettledBelow = end - 1
                break
            }
            deletion.firstRetained = end
            deletion.bytes += row[2]
        }
        if let end = deletion.firstRetained {
            try db.cachedStatement(sql: "DELETE FROM batches WHERE first < ?").execute(arguments: [Int64(end)])
        }
        return deletion
    }

    private func forget(_ deletion: Deletion) {
        retainedBytes -= deletion.bytes
        if let first = deletion.firstRetained { firstRetained = first }
        if let bound = deletion.nothingSettledBelow { nothingSettledBelow = bound }
    }

    /// Calls `visit` with each row of a statement with one parameter until it returns false.
    private func forEachRow(
        _ statement: Statement, from sequence: UInt64, _ db: Database, _ visit: (RecordBatch) throws -> Bool
    ) throws {
        let handle = statement.sqliteStatement
        sqlite3_reset(handle)
        defer { sqlite3_reset(handle) }
        sqlite3_bind_int64(handle, 1, Int64(clamping: sequence))
        while true {
            let code = sqlite3_step(handle)
            guard code == SQLITE_ROW else {
                if code == SQLITE_DONE { return }
                throw DatabaseError(resultCode: ResultCode(rawValue: code))
            }
            let frame = UnsafeRawBufferPointer(
                start: sqlite3_column_blob(handle, 2), count: Int(sqlite3_column_bytes(handle, 2)))
            let batch = RecordBatch(
                stored: Array(frame), first: UInt64(sqlite3_column_int64(handle, 0)),
                count: Int(sqlite3_column_int64(handle, 1)))
            guard try visit(batch) else { return }
        }
    }

    /// Copies the log into the database, so that the next commit begins it anew. A full disk only postpones that.
    private func checkpoint() throws(JournalError) {
        do throws(JournalError) {
            try run { db in _ = try db.checkpoint(.passive) }
            logBytes = 0
        } catch  where error.code == .full {
            logBytes /= 2
        }
    }

    private func write<Value>(_ body: (Database) throws -> Value) throws(JournalError) -> Value {
        try run { db in
            var value: Value?
            try db.inTransaction(.immediate) {
                value = try body(db)
                return .commit
            }
            guard let value else { preconditionFailure("a committed transaction has run its body") }
            return value
        }
    }

    /// Runs `body` on the connection. Whatever fails but for want of space fails the journal for good.
    private func run<Value>(_ body: (Database) throws -> Value) throws(JournalError) -> Value {
        if let failure { throw failure }
        do {
            return try queue.inDatabase(body)
        } catch {
            let reason = error as? JournalError ?? JournalDatabase.translate(error, path: folder.databasePath)
            if reason.code != .full { failure = JournalError(.failed, reason.sentence) }
            throw failure ?? reason
        }
    }

    private static func notice(_ tail: WALTail) -> String? {
        guard tail.tornBytes > 0 else { return nil }
        if tail.isDamaged {
            return "the write-ahead log is damaged: dropped its last \(tail.tornBytes) bytes, which may have held "
                + "acknowledged webhooks; check the disk"
        }
        return "dropped a torn commit of \(tail.tornBytes) bytes that was never acknowledged"
    }
}
