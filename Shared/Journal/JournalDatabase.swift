import GRDB
import GRDBSQLite
import Wire

/// Opens and checks the SQLite file of a journal.
enum JournalDatabase {
    /// "TRJL", in the file's header; a file without it is not ours.
    private static let applicationID = 0x5452_4A4C
    private static let formatVersion = 1

    /// What the file says of itself, read once at start.
    struct Facts {
        var id: JournalID
        var next: UInt64
        var watermark: UInt64
        var firstRetained: UInt64
        var retainedBytes: Int
    }

    /// Opens or creates the database with every commit fsynced (WAL, `synchronous=FULL`), alone on the file.
    static func open(_ folder: JournalFolder, pageSizeBytes: Int) throws(JournalError) -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "journal"
        configuration.prepareDatabase { db in
            // EXCLUSIVE before WAL: then there is no shared-memory file, and nobody else can open the database.
            try db.execute(sql: "PRAGMA page_size = \(pageSizeBytes)")
            try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            guard try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL") == "wal" else {
                throw DatabaseError(resultCode: .SQLITE_CANTOPEN, message: "no write-ahead log to be had here")
            }
            // Checkpoints are ours, so that a failed one is noticed.
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
        }
        do {
            let queue = try DatabaseQueue(path: folder.databasePath, configuration: configuration)
            try queue.inDatabase { db in
                // After opening, because GRDB has its own idea of it while it opens.
                try db.execute(sql: "PRAGMA synchronous = FULL")
                let level = try Int.fetchOne(db, sql: "PRAGMA synchronous")
                precondition(level == 2, "a journal without synchronous=FULL would break the promise behind every 2xx")
                try createIfNew(db)
            }
            try folder.sync()
            return queue
        } catch let error as JournalError {
            throw error
        } catch {
            throw translate(error, path: folder.databasePath)
        }
    }

    /// Reads the identity and checks that the retained batches follow one another without a gap.
    static func readFacts(_ queue: DatabaseQueue, path: String) throws(JournalError) -> Facts {
        do {
            return try queue.inDatabase { db in
                let identity = try Row.fetchOne(db, sql: "SELECT journal, next, watermark FROM identity")
                guard let identity, let id = JournalID(identity[0] as String) else {
                    throw corrupt(path, "its identity is missing")
                }
                let next: Int64 = identity[1]
                let watermark: Int64 = identity[2]
                let sums = try Row.fetchOne(
                    db, sql: "SELECT min(first), max(first + count), sum(count), sum(length(frame)) FROM batches")
                guard next >= 1, watermark >= 0, watermark < next, let sums else {
                    throw corrupt(path, "its numbers contradict each other")
                }
                guard let first: Int64 = sums[0], let end: Int64 = sums[1], let count: Int64 = sums[2] else {
                    return Facts(
                        id: id, next: UInt64(next), watermark: UInt64(watermark), firstRetained: UInt64(next),
                        retainedBytes: 0)
                }
                guard first >= 1, end == next, count == end - first, first <= watermark + 1 else {
                    throw corrupt(path, "batches between \(first) and \(next) are missing")
                }
                return Facts(
                    id: id, next: UInt64(next), watermark: UInt64(watermark), firstRetained: UInt64(first),
                    retainedBytes: sums[3])
            }
        } catch let error as JournalError {
            throw error
        } catch {
            throw translate(error, path: path)
        }
    }

    private static func createIfNew(_ db: Database) throws {
        let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        if tables == 0 {
            try db.inTransaction(.immediate) {
                try db.execute(
                    sql: """
                        PRAGMA application_id = \(applicationID);
                        PRAGMA user_version = \(formatVersion);
                        CREATE TABLE identity (
                            one INTEGER PRIMARY KEY CHECK (one = 1),
                            journal TEXT NOT NULL, next INTEGER NOT NULL, watermark INTEGER NOT NULL);
                        CREATE TABLE batches (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, frame BLOB NOT NULL);
                        """)
                try db.execute(
                    sql: "INSERT INTO identity VALUES (1, ?, 1, 0)", arguments: [JournalID.random().description])
                return .commit
            }
        }
        let application = try Int.fetchOne(db, sql: "PRAGMA application_id")
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version")
        guard application == applicationID else { throw corrupt("journal.db", "it is another program's database") }
        guard version == formatVersion else {
            throw JournalError(
                .unusable,
                "the journal was written in format \(version ?? 0), this version reads \(formatVersion); start the "
                    + "version that wrote it, let it drain, then upgrade")
        }
    }

    private static func corrupt(_ path: String, _ why: String) -> JournalError {
        JournalError(
            .corrupt,
            "\(path) is damaged: \(why). Nothing was changed. Restore the folder from a copy, or move it aside to "
                + "start with an empty journal, which gives up the webhooks in it that were not yet settled")
    }

    /// Says what an error of SQLite means for the journal.
    static func translate(_ error: any Error, path: String) -> JournalError {
        guard let error = error as? DatabaseError else { return JournalError(.failed, "\(path): \(error)") }
        switch error.resultCode {
        case .SQLITE_FULL:
            return JournalError(
                .full, "the disk under \(path) is full; nothing is lost, webhooks get 503 until there is space again")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR:
            return corrupt(path, error.message ?? "SQLite cannot read it")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return JournalError(.locked, "\(path) is open in another program; close it there")
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM:
            return JournalError(
                .unusable, "\(path) cannot be opened for writing (\(error.message ?? "")); check its permissions")
        default:
            return JournalError(
                .failed,
                "\(path) could not be written (SQLite \(error.extendedResultCode.rawValue): \(error.message ?? "")); "
                    + "check the disk, then start the ingress anew")
        }
    }
}
