import CommitLog
import Foundation
import GRDB
import Glibc
import Wire

/// The first steps of opening an event log: the tables, the take-over of what a version before has left, the commit log,
/// and what of it the state has not seen.
struct EventLogOpening {
    let facts: SegmentLog
    let state: EventState
    let key: KeyedHash.Key
    let notices: [String]
    let lineage: LogLineage

    init(_ settings: EventLogSettings, _ files: any LogFileSystem, now: Int64) throws {
        Self.closeToOthers(settings.path)
        let queue = try Self.open(settings.path)
        notices = try Self.prepare(queue, settings, files)
        let identity = try queue.read { try Row.fetchOne($0, sql: "SELECT log_id, dedupe_key FROM state") }
        guard let identity, let id = Blob.journal(identity[0]), let key = Blob.journal(identity[1]) else {
            throw EventLogError(.notThisLog, "The event log has no state row: restore it from a copy.")
        }
        self.key = KeyedHash.Key(low: key.low, high: key.high)
        state = try EventState(queue, settings: settings, now: now)
        var options = settings.logOptions
        options.newID = id
        facts = try SegmentLog(settings.logFolder, options, files: files)
        try Self.check(facts, id, state, settings)
        try Self.applyRest(of: facts, to: state)
        if facts.id != id { try state.record(facts.id, from: state.nextPosition) }
        lineage = LogLineage(facts.id, former: try state.formerIDs())
    }

    /// Log and state must be of one kind, and the log must have what the state has not seen.
    private static func check(
        _ facts: SegmentLog, _ id: LogID, _ state: EventState, _ settings: EventLogSettings
    ) throws {
        let isOurs = facts.id == id || facts.formerIDs.contains { $0.id == id }
        guard isOurs, facts.first <= state.applied + 1, facts.next > state.applied else {
            throw EventLogError(
                .notThisLog,
                "The state \(settings.path) (log \(id), up to record \(state.applied)) does not belong to the log "
                    + "\(settings.logFolder) (log \(facts.id), records \(facts.first) to \(facts.next - 1)): restore "
                    + "both from one copy. Nothing was changed.")
        }
    }

    private static func applyRest(of facts: SegmentLog, to state: EventState) throws {
        while state.applied + 1 < facts.next {
            let records = try facts.read(from: state.applied + 1, maxBytes: 4 << 20).map { entry in
                guard case .record(let record) = entry else {
                    throw EventLogError(
                        .unreadable, "The event log is damaged behind record \(state.applied): restore it from a copy.")
                }
                return EventState.Stored(
                    number: record.first, blockBytes: record.byteCount, facts: try FactRecord(record.content))
            }
            try state.perform { try $0.apply(records) }
        }
    }

    /// The log holds secrets: its files are their owner's alone, whatever the umask says. SQLite gives `-wal` and
    /// `-shm` the mode of the database. What fails here fails again when SQLite opens the file, and is said then.
    static func closeToOthers(_ path: String) {
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
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA page_size = 4096; PRAGMA synchronous = FULL") }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        let mode = try queue.inDatabase { try String.fetchOne($0, sql: "PRAGMA journal_mode") }
        guard mode == "wal" else {
            throw EventLogError(
                .notThisLog, "SQLite would not take WAL: put the event log on a local file system.")
        }
        return queue
    }

    /// Makes the tables, or brings old ones to this version. A version whose events lay in the database is taken over in
    /// one transaction: until that is committed nothing of it has changed, and the log that was built beside it is built
    /// anew by the next start. Afterwards the version of the file keeps an older program from it.
    private static func prepare(
        _ queue: DatabaseQueue, _ settings: EventLogSettings, _ files: any LogFileSystem
    ) throws -> [String] {
        let newID = JournalID.random()
        var taken: Int?
        try queue.inDatabase { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.inTransaction(.immediate) {
                try EventLogSchema.prepare(db, logID: newID)
                if try EventLogSchema.hasEvents(db) {
                    taken = try EventTakeOver(settings, files).run(db)
                }
                return .commit
            }
            // The space of the events; what fails here is tried again by nobody and harms nothing.
            if taken != nil { try? db.execute(sql: "VACUUM") }
        }
        return taken.map { ["took \($0) events over from \(settings.path) into \(settings.logFolder)"] } ?? []
    }
}

/// Moves the events of version 5, which lay in the table `batch_events`, into a commit log; part of one transaction.
private struct EventTakeOver {
    /// Rows that were stored within such a time share a record: a block of the log has 4 KiB at least.
    private static let sharedNanoseconds: Int64 = 1_000_000_000
    private static let sharedBytes = 256 << 10

    private let settings: EventLogSettings
    private let files: any LogFileSystem

    init(_ settings: EventLogSettings, _ files: any LogFileSystem) {
        (self.settings, self.files) = (settings, files)
    }

    /// Returns how many events there were.
    func run(_ db: Database) throws -> Int {
        let target = settings.logFolder + ".new"
        for folder in [target, settings.logFolder] { try remove(folder) }
        guard
            let identity = try Row.fetchOne(db, sql: "SELECT log_id, dedupe_key FROM state"),
            let id = Blob.journal(identity[0]), let secret = Blob.journal(identity[1])
        else { throw EventLogError(.notThisLog, "The event log has no state row: restore it from a copy.") }
        var options = settings.logOptions
        // What there is, is taken over, whatever the budget says by now.
        options.mostSegments = .max
        options.newID = id
        let count = try copy(
            db, to: try SegmentLog(target, options, files: files), KeyedHash.Key(low: secret.low, high: secret.high))
        guard rename(target, settings.logFolder) == 0 else {
            throw SystemError("rename", errno).logError(settings.logFolder)
        }
        try files.syncFolder(settings.folder)
        try db.execute(sql: "DROP TABLE batch_5; DROP TABLE batch_events")
        return count
    }

    private func copy(_ db: Database, to log: SegmentLog, _ key: KeyedHash.Key) throws -> Int {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT b.first, b.taken_at, b.appended_at, e.events FROM batch_5 b JOIN batch_events e USING (first)
                ORDER BY b.first
                """)
        var (count, logBytes) = (0, Int64(0))
        var gathered: [FactRecord.Row] = []
        var bytes = 0
        func store() throws {
            guard let oldest = gathered.first?.batch else { return }
            let record = FactRecord(
                gathered, first: oldest.first, takenAtNanoseconds: oldest.takenAtNanoseconds,
                appendedAtNanoseconds: oldest.appendedAtNanoseconds)
            let (number, stored) = (log.next, try log.append(record))
            var share = stored - gathered.dropFirst().reduce(0) { $0 + $1.batch.sizeBytes }
            for row in gathered {
                try EventRow.insert(row, number: number, bytes: share, db)
                logBytes += Int64(share)
                share = row.batch.sizeBytes
            }
            (gathered, bytes) = ([], 0)
        }
        while let row = try rows.next() {
            let batch = try EventBatch(
                first: UInt64(bitPattern: row[0] as Int64), takenAtNanoseconds: row[1], appendedAtNanoseconds: row[2],
                records: Blob.bytes(row[3] as Data))
            let isShared = gathered.first.map { oldest in
                gathered.last?.batch.last == batch.first - 1 && bytes + batch.sizeBytes <= Self.sharedBytes
                    && batch.appendedAtNanoseconds - oldest.batch.appendedAtNanoseconds < Self.sharedNanoseconds
            }
            if isShared == false { try store() }
            gathered.append(FactRecord.Row(batch: batch, names: Self.names(batch, key), contents: []))
            bytes += batch.sizeBytes
            count += batch.count
        }
        try store()
        try log.close()
        try db.execute(
            sql: "UPDATE state SET applied = ?, log_bytes = ?", arguments: [Int64(log.next) - 1, logBytes])
        return count
    }

    private static func names(_ batch: EventBatch, _ key: KeyedHash.Key) -> [UInt128] {
        (batch.first...batch.last).map { position in
            batch.withRecord(at: position) { record in
                KeyedHash.name(
                    key, source: record.source, origin: record.attribute("source"),
                    id: record.attribute("id") ?? UnsafeRawBufferPointer(start: nil, count: 0))
            } ?? UInt128(position)
        }
    }

    private func remove(_ folder: String) throws {
        guard let names = try? files.names(in: folder) else { return }
        for name in names { try files.unlink(folder + "/" + name) }
        guard rmdir(folder) == 0 else { throw SystemError("rmdir", errno).logError(folder) }
    }
}

extension SegmentLog {
    /// Stores facts as the next record; returns the bytes that they take.
    func append(_ record: FactRecord) throws(LogError) -> Int {
        try record.withParts { append(LogRecord(first: next, count: 1, parts: $0)) }.get()
    }
}
