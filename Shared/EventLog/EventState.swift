import Dispatch
import GRDB
import Glibc
import StageMetrics
import Synchronization
import Wire

/// What is derived from the facts of the event log, and what is decided beside them: one SQLite database in WAL.
///
/// Facts and the progress of lanes are applied in order, in the background, in one transaction for all that came within
/// 200 ms or 4 MiB, unflushed: after a power cut the log has them. What is decided sees all that came before it and is
/// flushed. `@unchecked Sendable`: everything but `waiting` is touched on `thread` only.
final class EventState: @unchecked Sendable {
    private static let delayMilliseconds = 200
    private static let transactionBytes = 4 << 20
    /// More waits only while nothing can be applied; then the log takes no more facts.
    private static let waitingBytes = 32 << 20

    /// A record of the log, and what it takes there.
    struct Stored {
        var number: UInt64
        var blockBytes: Int
        var facts: FactRecord
    }

    private enum Entry {
        case facts(Stored)
        case progress([LaneProgress])
    }

    private struct Waiting {
        var entries: [Entry] = []
        var bytes = 0
        var isScheduled = false
        var isHurried = false
        /// Whether the last try failed.
        var isStuck = false
    }

    private let thread = DispatchQueue(label: "event-log-state")
    private let waiting = Mutex(Waiting())

    let queue: DatabaseQueue
    var settings: EventLogSettings
    var logBytes: Int64 = 0
    var nextPosition: UInt64 = 1
    var firstPosition: UInt64 = 1
    /// The number of the last record that is applied, and of the last one that is applied and flushed.
    private(set) var applied: UInt64 = 0
    private(set) var flushed: UInt64 = 0
    /// What was applied since then takes so much of the log.
    private(set) var unflushedBytes = 0
    var quarantine: QuarantineBounds
    var laneBounds: LaneBounds
    let age: LogAge
    /// When the time was noted last.
    private var notedAt: Int64
    /// Where the search for dead letters over age goes on; nil: at the beginning.
    var deadLetterSweep: DeadLetterQuery.Place?
    /// Whether rows of dropped subscriptions may be left, and the name behind which the search for them goes on.
    var mayHaveOrphans = true
    var orphanSweep = ""
    /// Set once the disk failed; nothing is written any more.
    private let failed = Mutex<EventLogError?>(nil)
    private var isClosed = false

    /// `queue` holds the tables of this version.
    init(_ queue: DatabaseQueue, settings: EventLogSettings, now: Int64) throws {
        self.queue = queue
        self.settings = settings
        (age, notedAt) = (try queue.write { try LogAge($0, now: now) }, now)
        quarantine = try queue.read { try QuarantineBounds($0, settings: settings) }
        laneBounds = LaneBounds(settings, deadLetters: try queue.read { try DeadLetterTable.rowCounts($0) })
        try queue.read { db in
            guard let row = try Row.fetchOne(db, sql: "SELECT next_position, log_bytes, applied FROM state") else {
                throw EventLogError(.notThisLog, "The event log has no state row: restore it from a copy.")
            }
            nextPosition = UInt64(bitPattern: row[0] as Int64)
            logBytes = row[1]
            applied = UInt64(bitPattern: row[2] as Int64)
            firstPosition = try EventTimes.firstPosition(db)
        }
    }

    /// Applies what waits. Whatever comes later is dropped.
    func close() {
        thread.sync {
            try? applyWaiting()
            isClosed = true
        }
    }

    // MARK: Any thread

    /// Why nothing is written any more.
    var failure: EventLogError? { failed.withLock { $0 } }

    /// Whether what waits has to be applied before the log takes more: the disk was full, or it does not keep up.
    var isBehind: Bool { waiting.withLock { $0.isStuck || $0.bytes > Self.waitingBytes } }

    func enqueue(_ stored: Stored) {
        enqueue(.facts(stored), bytes: stored.blockBytes)
    }

    func enqueue(_ progress: [LaneProgress]) {
        guard !progress.isEmpty else { return }
        enqueue(.progress(progress), bytes: 0)
    }

    private func enqueue(_ item: Entry, bytes: Int) {
        let (mustWake, mustHurry) = waiting.withLock { waiting in
            waiting.entries.append(item)
            waiting.bytes += bytes
            let hurries = waiting.bytes >= Self.transactionBytes && !waiting.isHurried
            defer {
                waiting.isScheduled = true
                if hurries { waiting.isHurried = true }
            }
            return (!waiting.isScheduled, hurries)
        }
        if mustHurry { return thread.async { self.run() } }
        if mustWake { wake() }
    }

    private func wake() {
        thread.asyncAfter(deadline: .now() + .milliseconds(Self.delayMilliseconds)) { self.run() }
    }

    /// Does something that sees everything that came before it, and waits. `mayLag`: is done also while that cannot be
    /// applied, as what frees space must be.
    func perform<Value>(mayLag: Bool = false, _ body: (EventState) throws -> Value) throws -> Value {
        try thread.sync {
            do {
                try applyWaiting()
            } catch {
                if !mayLag { throw error }
            }
            return try body(self)
        }
    }

    // MARK: Its own thread

    private func run() {
        do {
            try applyWaiting()
        } catch {
            // The records wait in the log and here; what is decided and the log's next commits are told.
            if failure == nil { wake() }
        }
    }

    private func applyWaiting() throws {
        let entries = waiting.withLock { waiting in
            (waiting.isScheduled, waiting.isHurried) = (false, false)
            defer { waiting.entries = [] }
            return waiting.entries
        }
        guard !entries.isEmpty, !isClosed else { return }
        do {
            try apply(entries)
        } catch {
            waiting.withLock { waiting in
                waiting.entries.insert(contentsOf: entries, at: 0)
                // `run` wakes by itself until it succeeds.
                (waiting.isScheduled, waiting.isHurried, waiting.isStuck) = (true, true, true)
            }
            throw error
        }
        waiting.withLock { waiting in
            waiting.isStuck = false
            for case .facts(let stored) in entries { waiting.bytes -= stored.blockBytes }
        }
    }

    /// Applies records that were read at the start.
    func apply(_ records: [Stored]) throws { try apply(records.map { .facts($0) }) }

    private func apply(_ entries: [Entry]) throws {
        var change = Change(self)
        try writing(isFlushed: false) { db in
            for item in entries {
                switch item {
                case .facts(let stored): try change.apply(stored, db)
                case .progress(let all):
                    for progress in all { try LaneTables.save(progress, &change.laneBounds, db) }
                }
            }
            try change.save(db)
        }
        (quarantine, laneBounds, logBytes) = (change.quarantine, change.laneBounds, change.logBytes)
        (nextPosition, applied) = (change.nextPosition, change.applied)
        for case .facts(let stored) in entries { unflushedBytes += stored.blockBytes }
    }

    /// One transaction, all or nothing. Remembers a failure after which the file must not be written any more.
    func writing<Value>(isFlushed: Bool = true, _ body: (Database) throws -> Value) throws(EventLogError) -> Value {
        if let failure { throw failure }
        do {
            let value = try queue.inDatabase { db in
                try db.execute(sql: isFlushed ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL")
                var value: Value?
                try db.inTransaction(.immediate) {
                    value = try body(db)
                    return .commit
                }
                return value
            }
            // A flush of the write-ahead log covers what was written to it before.
            if isFlushed { (flushed, unflushedBytes) = (applied, 0) }
            guard let value else { preconditionFailure("a transaction that was committed has a value") }
            return value
        } catch {
            let said = EventLogError(error)
            if said.code != .diskFull && said.code != .busy { failed.withLock { $0 = said } }
            // What the log before the database has taken may be all the space there was.
            if said.code == .diskFull { try? queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) } }
            throw said
        }
    }

    /// Records the id that the log has taken before it gave out `position`.
    func record(_ id: JournalID, from position: UInt64) throws(EventLogError) {
        try writing { db in
            try db.execute(
                sql: "INSERT INTO lineage SELECT ?, log_id FROM state", arguments: [Int64(clamping: position)])
            try db.execute(sql: "UPDATE state SET log_id = ?", arguments: [Blob.of(id)])
        }
    }

    /// The ids that the log had before, oldest first.
    func formerIDs() throws -> [LogLineage.Former] {
        try queue.read { db in
            try Row.fetchAll(db, sql: "SELECT position, log_id FROM lineage ORDER BY rowid").compactMap { row in
                Blob.journal(row[1]).map { LogLineage.Former(id: $0, end: UInt64(bitPattern: row[0] as Int64)) }
            }
        }
    }

    /// Notes the time now and then, so that the next start knows how long nobody had the log.
    func note(_ now: Int64) throws(EventLogError) {
        guard now - notedAt > LogAge.noteNanoseconds else { return }
        try writing(isFlushed: false) { try LogAge.note(now, $0) }
        notedAt = now
    }

    /// Makes what is applied durable.
    func flush() throws(EventLogError) {
        guard flushed < applied else { return }
        try writing { try $0.execute(sql: "UPDATE state SET applied = applied") }
    }
}

extension EventState {
    /// What a transaction makes of the state: reads no clock and draws no random number.
    private struct Change {
        var quarantine: QuarantineBounds
        var laneBounds: LaneBounds
        var logBytes: Int64
        var nextPosition: UInt64
        var applied: UInt64

        init(_ state: EventState) {
            (quarantine, laneBounds, logBytes) = (state.quarantine, state.laneBounds, state.logBytes)
            (nextPosition, applied) = (state.nextPosition, state.applied)
        }

        mutating func apply(_ stored: Stored, _ db: Database) throws {
            let facts = stored.facts
            guard stored.number == applied + 1, facts.first == nextPosition else {
                throw EventLogError(
                    .unreadable,
                    "The event log's record \(stored.number) does not follow on record \(applied): restore log and "
                        + "state from one copy.")
            }
            // The block is counted with its first row; a record without rows is nobody's.
            var bytes = stored.blockBytes - facts.rows.dropFirst().reduce(0) { $0 + $1.batch.sizeBytes }
            for row in facts.rows {
                try EventRow.insert(row, number: stored.number, bytes: bytes, db)
                logBytes += Int64(bytes)
                bytes = row.batch.sizeBytes
            }
            for (journal, sequence) in facts.watermarks {
                try db.cachedStatement(sql: "INSERT OR REPLACE INTO watermark VALUES (?, ?)")
                    .execute(arguments: [Blob.of(journal), Int64(bitPattern: sequence)])
            }
            try quarantine.insert(facts.rejected, db)
            (nextPosition, applied) = (facts.end, stored.number)
        }

        func save(_ db: Database) throws {
            try db.cachedStatement(sql: "UPDATE state SET next_position = ?, log_bytes = ?, applied = ?").execute(
                arguments: [Int64(bitPattern: nextPosition), logBytes, Int64(bitPattern: applied)])
        }
    }
}

/// A row of the table `batch`: what start-up and searches read.
enum EventRow {
    static func insert(_ row: FactRecord.Row, number: UInt64, bytes: Int, _ db: Database) throws {
        let batch = row.batch
        var summary = BatchSummary()
        var (earliest, latest) = (Int64.max, Int64.min)
        for position in batch.first...batch.last {
            _ = batch.withRecord(at: position) { record in
                summary.add(
                    source: record.source, type: record.attribute("type"),
                    names: [record.attribute("id"), record.attribute("subject"), record.attribute("partitionkey")])
                earliest = min(earliest, record.receivedAtNanoseconds)
                latest = max(latest, record.receivedAtNanoseconds)
            }
        }
        try db.cachedStatement(sql: "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)").execute(arguments: [
            Int64(bitPattern: batch.first), Int64(bitPattern: number), batch.count, earliest, latest,
            batch.takenAtNanoseconds, batch.appendedAtNanoseconds, bytes, Blob.of(row.names + row.contents),
            Blob.of(summary.encoded()),
        ])
    }
}
