package import CommitLog
internal import Foundation
internal import GRDB
internal import Glibc
internal import Journal
internal import Wire

/// The journal as versions before the commit log kept it: the SQLite file `journal.db`. It is taken over once; after that it
/// stays there, empty and with a higher version, so that such a version refuses the folder instead of starting anew.
///
/// Table `identity` has one row (journal id, next sequence, watermark), `batches` a row per batch: its first sequence, how
/// many webhooks, and the bytes that go on the bus.
package enum SQLiteJournal {
    /// "TRJL".
    private static let applicationID = 0x5452_4A4C
    private static let formatVersion = 1
    private static let takenOverVersion = 2

    /// Moves what such a journal holds into a commit log. Whatever interrupts it, the next start does it from the beginning
    /// or finds it done. Returns sentences about it.
    ///
    /// The file is replaced when the log is whole, and only then does the log get its name: no version ever finds two
    /// journals.
    package static func takeOver(_ path: String, _ options: SegmentLog.Options) throws(LogError) -> [String] {
        let database = path + "/journal.db"
        var notices: [String] = []
        do {
            if version(of: database) != takenOverVersion {
                if access(database, F_OK) == 0, let count = try copy(database, path, options) {
                    notices = ["took \(count) webhooks that were not settled over from \(database)"]
                }
                try mark(path)
            }
            if access(path + "/log.new", F_OK) == 0 {
                try move(path + "/log.new", to: Journal.logFolder(path), in: path)
            }
        } catch let error as LogError {
            throw error
        } catch {
            throw translate(error, database)
        }
        return notices
    }

    /// The version in the header of the file, whose write-ahead log is gone once it has been taken over.
    private static func version(of path: String) -> Int? {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var version: UInt32 = 0
        guard pread(file, &version, 4, 60) == 4 else { return nil }
        return Int(UInt32(bigEndian: version))
    }

    private static func open(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "journal"
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA locking_mode = EXCLUSIVE") }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// The row of a journal that this version knows; nil where nothing was ever written.
    private static func identity(_ db: Database, _ path: String) throws -> Row? {
        if try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0 { return nil }
        guard try Int.fetchOne(db, sql: "PRAGMA application_id") == applicationID else {
            throw damaged(path, "it is another program's database")
        }
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard version == formatVersion else {
            throw LogError(
                .version,
                "the journal \(path) was written in format \(version), this version reads \(formatVersion); start the "
                    + "version that wrote it, let it drain, then upgrade")
        }
        guard let row = try Row.fetchOne(db, sql: "SELECT journal, next, watermark FROM identity") else {
            throw damaged(path, "its identity is missing")
        }
        return row
    }

    /// Copies what is not settled into `log.new`; returns how many webhooks, or nil where nothing was ever written.
    private static func copy(_ database: String, _ path: String, _ options: SegmentLog.Options) throws -> Int? {
        let queue = try open(database)
        // Its end takes the write-ahead log into the file.
        defer { try? queue.close() }
        guard let former = try queue.inDatabase({ try identity($0, database) }) else { return nil }
        let (next, watermark): (Int64, Int64) = (former[1], former[2])
        guard let id = JournalID(former[0] as String), watermark >= 0, next > watermark else {
            throw damaged(path, "its numbers contradict each other")
        }
        let target = path + "/log.new"
        try removeFolder(target)
        let largest = try queue.inDatabase { db in
            try Int.fetchOne(db, sql: "SELECT max(length(frame)) FROM batches") ?? 0
        }
        var options = options
        options.recordBytes = max(options.recordBytes, largest)
        options.segmentBytes = max(options.segmentBytes, 4 * options.recordBytes)
        // What there is, is taken over, whatever the budget says by now.
        options.mostSegments = .max
        options.newID = id
        options.newFirst = UInt64(next)
        return try queue.inDatabase { db in
            let rows = "FROM batches WHERE first + count - 1 > \(watermark)"
            if let first = try Int64.fetchOne(db, sql: "SELECT min(first) \(rows)") { options.newFirst = UInt64(first) }
            let log = try SegmentLog(target, options)
            let batches = try Row.fetchCursor(db, sql: "SELECT first, count, frame \(rows) ORDER BY first")
            while let row = try batches.next() {
                let (first, count, frame): (Int64, Int, [UInt8]) = (row[0], row[1], Array(row[2] as Data))
                guard UInt64(first) == log.next, RecordBatch(stored: frame, first: log.next, count: count).isWhole
                else {
                    throw damaged(path, "batches between \(log.next) and \(next) are missing")
                }
                _ = try frame.withUnsafeBytes { bytes in
                    log.append(LogRecord(first: log.next, count: count, settled: UInt64(watermark), parts: [bytes]))
                }.get()
            }
            guard log.next == UInt64(next) else {
                throw damaged(path, "batches between \(log.next) and \(next) are missing")
            }
            try log.close()
            return Int(next - max(watermark + 1, Int64(clamping: options.newFirst)))
        }
    }

    /// Puts an empty file in its place, for versions that would look for it.
    private static func mark(_ path: String) throws {
        let fresh = path + "/journal.db.new"
        if access(fresh, F_OK) == 0 { try SystemFiles().unlink(fresh) }
        let queue = try open(fresh)
        try queue.inDatabase { db in
            try db.execute(
                sql: """
                    PRAGMA application_id = \(applicationID);
                    PRAGMA user_version = \(takenOverVersion);
                    CREATE TABLE identity (one INTEGER PRIMARY KEY, journal TEXT, next INTEGER, watermark INTEGER);
                    """)
        }
        try queue.close()
        for suffix in ["-wal", "-shm"] { try? SystemFiles().unlink(path + "/journal.db" + suffix) }
        try move(fresh, to: path + "/journal.db", in: path)
    }

    private static func move(_ from: String, to: String, in path: String) throws {
        guard rename(from, to) == 0 else { throw SystemError("rename", errno).logError(path) }
        try SystemFiles().syncFolder(path)
    }

    private static func removeFolder(_ path: String) throws {
        guard let names = try? SystemFiles().names(in: path) else { return }
        for name in names { try SystemFiles().unlink(path + "/" + name) }
        guard rmdir(path) == 0 else { throw SystemError("rmdir", errno).logError(path) }
    }

    private static func damaged(_ path: String, _ why: String) -> LogError {
        LogError(
            .damaged,
            "\(path) is damaged: \(why). Nothing was changed. Restore the folder from a copy, or move it aside to start "
                + "with an empty journal, which gives up the webhooks in it that were not yet settled")
    }

    private static func translate(_ error: any Error, _ path: String) -> LogError {
        if let error = error as? SystemError { return error.logError(path) }
        guard let error = error as? DatabaseError else { return LogError(.failed, "\(path): \(error)") }
        switch error.resultCode {
        case .SQLITE_FULL: return SystemError("write", ENOSPC).logError(path)
        case .SQLITE_BUSY, .SQLITE_LOCKED: return SystemError("flock", EWOULDBLOCK).logError(path)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: return damaged(path, error.message ?? "SQLite cannot read it")
        default: return LogError(.failed, "\(path): \(error)")
        }
    }
}
