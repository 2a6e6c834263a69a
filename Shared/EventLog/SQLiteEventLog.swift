package import Events
import GRDB
import GRDBSQLite
import Glibc
import StageMetrics
package import Wire

/// The event log in one SQLite file: WAL, 4 KiB pages (small commits are the rule), an fsync for every commit. One row per batch of events.
///
/// Not thread-safe: the router's log thread owns it. After a failure of the disk every further commit is refused.
package final class SQLiteEventLog: EventLog {
    package let id: JournalID
    package private(set) var nextPosition: UInt64
    package private(set) var firstPosition: UInt64
    package private(set) var earlyEvictions = 0

    private(set) var settings: EventLogSettings
    let queue: DatabaseQueue
    private var dedupe: DedupeTable
    /// Signed contents, numbered from 0 in the order in which they came. A hit is an answer: the codes are their senders'.
    private var contents: DedupeTable
    /// First position, first content and time of appending (steady nanoseconds) of the rows whose hashes are in the
    /// tables, oldest first.
    private var dedupeRows: [(first: UInt64, firstContent: UInt64, appendedAtNanoseconds: Int64)] = []
    /// Rows before this index are done with; they are removed many at a time.
    private var dedupeHead = 0
    private var logBytes: Int64
    package var sizeBytes: Int64 { logBytes }
    var quarantine: QuarantineBounds
    var laneBounds: LaneBounds
    /// Where the search for dead letters over age goes on; nil: at the beginning.
    var deadLetterSweep: DeadLetterQuery.Place?
    /// Whether rows of dropped subscriptions may be left, and the name behind which the search for them goes on.
    var mayHaveOrphans = true
    var orphanSweep = ""
    /// Set once the disk failed; nothing is written any more.
    private var failure: EventLogError?

    /// Opens or makes the log. Throws `EventLogError`.
    package init(settings: EventLogSettings) throws(EventLogError) {
        self.settings = settings
        laneBounds = LaneBounds(settings)
        do {
            Self.closeToOthers(settings.path)
            queue = try Self.open(settings.path)
            let newID = JournalID.random()
            try queue.write { db in
                try EventLogSchema.prepare(db, logID: Blob.bytes(Blob.of(newID)))
            }
            let state = try queue.read { db in
                try Row.fetchOne(db, sql: "SELECT log_id, next_position, log_bytes FROM state")
            }
            guard let state, let id = Blob.journal(state[0]) else {
                throw EventLogError(.notThisLog, "The event log has no state row: restore it from a copy.")
            }
            self.id = id
            let next = UInt64(bitPattern: state[1] as Int64)
            nextPosition = next
            logBytes = state[2]
            firstPosition = try queue.read { db in
                UInt64(bitPattern: try Int64.fetchOne(db, sql: "SELECT min(first) FROM batch") ?? Int64(next))
            }
            dedupe = DedupeTable(limit: settings.dedupeIDs, next: next)
            contents = DedupeTable(limit: settings.dedupeIDs, next: 0)
            quarantine = try queue.read { try QuarantineBounds($0, settings: settings) }
            laneBounds = LaneBounds(settings, deadLetters: try queue.read { try DeadLetterTable.rowCounts($0) })
            try rebuildDedupe()
            try shrinkQuarantine()
        } catch {
            throw EventLogError(error)
        }
    }

    /// The log holds secrets: its files are their owner's alone, whatever the umask says. SQLite gives `-wal` and
    /// `-shm` the mode of the database. What fails here fails again when SQLite opens the file, and is said then.
    private static func closeToOthers(_ path: String) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 { close(descriptor) }
        // By name, because closing a descriptor of an open database would drop its locks.
        for suffix in ["", "-wal", "-shm"] {
            var status = stat()
            if stat(path + suffix, &status) == 0, status.st_mode & 0o077 != 0 { chmod(path + suffix, 0o600) }
        }
    }

    private static func open(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(2)
        configuration.label = "event-log"
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA page_size = 4096")
        }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.inDatabase { db in
            // GRDB sets NORMAL after opening; FULL makes every commit wait for its fsync.
            try db.execute(sql: "PRAGMA synchronous = FULL")
            let synchronous = try Int.fetchOne(db, sql: "PRAGMA synchronous")
            let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode")
            guard synchronous == 2, mode == "wal" else {
                throw EventLogError(
                    .notThisLog, "SQLite would not take WAL and FULL: put the event log on a local file system.")
            }
        }
        return queue
    }

    package func watermarks() throws -> [JournalID: UInt64] {
        try queue.read { db in
            var found: [JournalID: UInt64] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT journal, sequence FROM watermark") {
                if let journal = Blob.journal(row[0]) { found[journal] = UInt64(bitPattern: row[1] as Int64) }
            }
            return found
        }
    }

    package func admit(
        _ event: CanonicalEventView, of envelope: EnvelopeView, to transaction: inout LogTransaction
    ) throws -> Admission {
        let id = event.id ?? UnsafeRawBufferPointer(start: nil, count: 0)
        let origin = event.attribute("source")
        let hash = EventHash.name(source: envelope.sourceBytes, id: id)
        if transaction.contains(source: envelope.sourceBytes, origin: origin, id: id, nameHash: hash) {
            return .knownID
        }
        for position in dedupe.positions(of: hash) {
            let batch = try queue.read { try EventBatch.holding(position, in: $0) }
            let isSame = batch?.withRecord(at: position) {
                $0.isNamed(source: envelope.sourceBytes, origin: origin, id: id)
            }
            if isSame == true { return .knownID }
        }
        let content = envelope.section(.signedContent).map {
            EventHash.content(source: envelope.sourceBytes, code: $0, element: event.element)
        }
        if let content, transaction.contains(contentHash: content) || !contents.positions(of: content).isEmpty {
            return .knownContent
        }
        transaction.append(event, of: envelope, nameHash: hash, contentHash: content)
        return .taken
    }

    package func commit(_ transaction: LogTransaction) throws(EventLogError) -> [EventBatch] {
        // Ages are counted from this, so it does not jump.
        let now = steadyNanoseconds()
        var batches: [EventBatch] = []
        var position = nextPosition
        for row in transaction.rows {
            let batch = EventBatch(
                first: position, takenAtNanoseconds: transaction.takenAtNanoseconds, appendedAtNanoseconds: now,
                records: row.records.bytes, starts: row.starts)
            batches.append(batch)
            position += UInt64(batch.count)
        }
        let bytes = batches.reduce(logBytes) { $0 + Int64($1.sizeBytes) }
        var (bounds, laneBounds) = (quarantine, laneBounds)
        try writing { db in
            try write(transaction, batches, db)
            try bounds.insert(transaction.rejected, db)
            for progress in transaction.progress { try LaneTables.save(progress, &laneBounds, db) }
            if position != nextPosition {
                try db.cachedStatement(sql: "UPDATE state SET next_position = ?, log_bytes = ?")
                    .execute(arguments: [Int64(bitPattern: position), bytes])
            }
        }
        quarantine = bounds
        self.laneBounds = laneBounds
        logBytes = bytes
        nextPosition = position
        for (row, batch) in zip(transaction.rows, batches) { remember(row, batch.first, now) }
        return batches
    }

    /// One transaction, all or nothing. Remembers a failure after which the file must not be written any more.
    func writing<Value>(_ body: (Database) throws -> Value) throws(EventLogError) -> Value {
        if let failure { throw failure }
        do {
            return try queue.write(body)
        } catch {
            let said = EventLogError(error)
            if said.code != .diskFull && said.code != .busy { failure = said }
            // What the log before the database has taken may be all the space there was.
            if said.code == .diskFull { try? queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) } }
            throw said
        }
    }

    private func write(_ transaction: LogTransaction, _ batches: [EventBatch], _ db: Database) throws {
        for (row, batch) in zip(transaction.rows, batches) {
            let first = Int64(bitPattern: batch.first)
            try db.cachedStatement(sql: "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)").execute(arguments: [
                first, batch.count, row.earliest, row.latest, batch.takenAtNanoseconds, batch.appendedAtNanoseconds,
                batch.sizeBytes, Blob.of(row.hashes + row.contents), Blob.of(row.summary.encoded()),
            ])
            try insert(batch, db)
        }
        for (journal, sequence) in transaction.watermarks {
            try db.cachedStatement(sql: "INSERT OR REPLACE INTO watermark VALUES (?, ?)")
                .execute(arguments: [Blob.of(journal), Int64(bitPattern: sequence)])
        }
    }

    /// Stores the bytes of a row. They are bound without a copy: the statement is done with them before the closure ends.
    private func insert(_ batch: EventBatch, _ db: Database) throws {
        let handle = try db.cachedStatement(sql: "INSERT INTO batch_events VALUES (?, ?)").sqliteStatement
        sqlite3_reset(handle)
        defer {
            sqlite3_reset(handle)
            sqlite3_clear_bindings(handle)
        }
        sqlite3_bind_int64(handle, 1, Int64(bitPattern: batch.first))
        let code = batch.withBytes { bytes in
            sqlite3_bind_blob(handle, 2, bytes.baseAddress, Int32(bytes.count), nil)
            return sqlite3_step(handle)
        }
        guard code == SQLITE_DONE else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }

    private func remember(_ row: LogTransaction.Row, _ first: UInt64, _ appendedAt: Int64) {
        dedupeRows.append((first, contents.next, appendedAt))
        let oldest = appendedAt - settings.dedupeWindowSeconds * 1_000_000_000
        while dedupeHead + 1 < dedupeRows.count,
            dedupeRows[dedupeHead].appendedAtNanoseconds < oldest || dedupeRows[dedupeHead + 1].first <= dedupe.base
        { dedupeHead += 1 }
        dedupe.drop(below: dedupeRows[dedupeHead].first)
        contents.drop(below: dedupeRows[dedupeHead].firstContent)
        if dedupeHead > 1024, dedupeHead * 2 > dedupeRows.count {
            dedupeRows.removeFirst(dedupeHead)
            dedupeHead = 0
        }
        for hash in row.hashes where dedupe.append(hash) { earlyEvictions += 1 }
        for hash in row.contents where contents.append(hash) { earlyEvictions += 1 }
    }

    /// Reads the stored hashes of the window, never the events.
    private func rebuildDedupe() throws {
        let from = Int64(bitPattern: nextPosition) - Int64(settings.dedupeIDs) - Int64(settings.eventsPerRow)
        try queue.read { db in
            // A wall clock that was set forward while nobody looked makes nothing old.
            let newest = try Int64.fetchOne(db, sql: "SELECT appended_at FROM batch ORDER BY first DESC LIMIT 1")
            let oldest = min(newest ?? .max, steadyNanoseconds()) - settings.dedupeWindowSeconds * 1_000_000_000
            let rows = try Row.fetchCursor(
                db, sql: "SELECT first, appended_at, hashes, count FROM batch WHERE first >= ? AND appended_at >= ?",
                arguments: [from, oldest])
            var isFirst = true
            while let row = try rows.next() {
                let first = UInt64(bitPattern: row[0] as Int64)
                if isFirst { dedupe = DedupeTable(limit: settings.dedupeIDs, next: first) }
                isFirst = false
                // A clock that was set back may have left a gap; positions must stay in step with the ring.
                if first > dedupe.next { dedupe = DedupeTable(limit: settings.dedupeIDs, next: first) }
                dedupeRows.append((first, contents.next, min(row[1], steadyNanoseconds())))
                let hashes = Blob.values(row[2])
                for hash in hashes.prefix(row[3]) { _ = dedupe.append(hash) }
                for hash in hashes.dropFirst(row[3]) { _ = contents.append(hash) }
            }
        }
        if dedupe.next != nextPosition { dedupe = DedupeTable(limit: settings.dedupeIDs, next: nextPosition) }
    }

    package func retain(seconds: Int64, bytes: Int64) {
        settings.retentionSeconds = seconds
        settings.retentionBytes = bytes
    }

    package func dropExpired(nowNanoseconds: Int64, rows: Int) throws -> Int {
        let oldest = nowNanoseconds - settings.retentionSeconds * 1_000_000_000
        return max(
            try dropRows(before: oldest, rows: rows), try dropAgedDeadLetters(before: oldest, rows: rows),
            try dropOrphans(rows: rows))
    }

    private func dropRows(before oldest: Int64, rows: Int) throws -> Int {
        var freed: Int64 = 0
        var doomed: [Int64] = []
        var boundary = firstPosition
        let candidates = try queue.read { db in
            try Row.fetchAll(
                db, sql: "SELECT first, count, appended_at, bytes FROM batch ORDER BY first LIMIT ?", arguments: [rows])
        }
        for row in candidates {
            let isOld = (row[2] as Int64) < oldest
            guard isOld || logBytes - freed > settings.retentionBytes else { break }
            doomed.append(row[0])
            freed += row[3]
            boundary = UInt64(bitPattern: (row[0] as Int64) + (row[1] as Int64))
        }
        guard !doomed.isEmpty else { return 0 }
        let (last, remaining) = (doomed[doomed.count - 1], logBytes - freed)
        try writing { db in
            try db.execute(sql: "DELETE FROM batch WHERE first <= ?", arguments: [last])
            try db.execute(sql: "DELETE FROM batch_events WHERE first <= ?", arguments: [last])
            try db.execute(sql: "UPDATE state SET log_bytes = ?", arguments: [remaining])
        }
        logBytes = remaining
        firstPosition = boundary
        dedupe.drop(below: boundary)
        return doomed.count
    }
}

extension SQLiteEventLog {
    /// The values of SQLite's pragmas on the writing connection.
    func pragmas(_ names: [String]) throws -> [String] {
        try queue.read { db in
            try names.map { try String.fetchOne(db, sql: "PRAGMA \($0)") ?? "" }
        }
    }
}
