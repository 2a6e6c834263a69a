package import CommitLog
package import Events
import GRDB
import Glibc
import StageMetrics
import Synchronization
package import Wire

/// The event log: facts in a commit log, durable with the commit, and beside it the state, which follows in the background.
///
/// Not thread-safe: the router's log thread owns it; `makeReader` gives readers for others. After a failure of the disk
/// every further commit is refused.
package final class SegmentEventLog: EventLog {
    package private(set) var nextPosition: UInt64
    package private(set) var earlyEvictions = 0
    package let lineage: LogLineage
    /// What the start found out, as sentences for the operator.
    package let notices: [String]

    let settings: EventLogSettings
    let state: EventState
    private let facts: SegmentLog
    /// What retention has left: the first position, and the first record that is needed.
    private let given = Mutex<(position: UInt64, number: UInt64)?>(nil)
    private let key: KeyedHash.Key
    private var names: DedupeTable
    /// Signed contents, numbered from 0 in the order in which they came. A hit is an answer: the codes are their senders'.
    private var contents: DedupeTable
    /// What is in the tables, oldest first.
    private var dedupeGroups: [DedupeGroup] = []

    /// Rows that were appended within a small part of the window after one another.
    private struct DedupeGroup {
        let first: UInt64
        let firstContent: UInt64
        /// When the first and the last of them were appended, in steady nanoseconds.
        let begunAt: Int64
        var endedAt: Int64
    }

    /// Opens or makes the log. Throws `EventLogError`.
    package init(
        settings: EventLogSettings, files: any LogFileSystem = SystemFiles(), now: Int64 = steadyNanoseconds()
    ) throws(EventLogError) {
        self.settings = settings
        do {
            let opening = try EventLogOpening(settings, files, now: now)
            (facts, state, key, notices) = (opening.facts, opening.state, opening.key, opening.notices)
            lineage = opening.lineage
            nextPosition = state.nextPosition
            names = DedupeTable(limit: settings.dedupeIDs, next: nextPosition)
            contents = DedupeTable(limit: settings.dedupeIDs, next: 0)
            try rebuildDedupe(now)
            try shrinkQuarantine()
        } catch {
            throw EventLogError(error)
        }
    }

    deinit { close() }

    package func close() {
        state.close()
        // What fails here costs the next start some reading.
        try? facts.close()
    }

    package var firstPosition: UInt64 { (try? state.perform(\.firstPosition)) ?? nextPosition }

    package var sizeBytes: Int64 { (try? state.perform(\.logBytes)) ?? 0 }

    /// A reader for another thread.
    package func makeReader() throws(EventLogError) -> EventLogReader {
        try EventLogReader(path: settings.path, state: state, events: EventReader(facts.makeReader()))
    }

    package func watermarks() throws -> [JournalID: UInt64] {
        try state.perform { state in
            try state.queue.read { db in
                var found: [JournalID: UInt64] = [:]
                for row in try Row.fetchAll(db, sql: "SELECT journal, sequence FROM watermark") {
                    if let journal = Blob.journal(row[0]) { found[journal] = UInt64(bitPattern: row[1] as Int64) }
                }
                return found
            }
        }
    }

    package func admit(
        _ event: CanonicalEventView, of envelope: EnvelopeView, to transaction: inout LogTransaction
    ) throws -> Admission {
        let name = KeyedHash.name(
            key, source: envelope.sourceBytes, origin: event.attribute("source"),
            id: event.id ?? UnsafeRawBufferPointer(start: nil, count: 0))
        if transaction.contains(name: name) || names.contains(name) { return .knownID }
        let content = envelope.section(.signedContent).map {
            KeyedHash.content(key, source: envelope.sourceBytes, code: $0, element: event.element)
        }
        if let content, transaction.contains(content: content) || contents.contains(content) { return .knownContent }
        transaction.append(event, of: envelope, name: name, content: content)
        return .taken
    }

    package func admit(_ event: OwnEvent, to transaction: inout LogTransaction) -> Admission {
        let (origin, id) = (Array(event.attribute("source").utf8), Array(event.attribute("id").utf8))
        let name = origin.withUnsafeBytes { origin in
            id.withUnsafeBytes { id in
                KeyedHash.name(key, source: UnsafeRawBufferPointer(start: nil, count: 0), origin: origin, id: id)
            }
        }
        if transaction.contains(name: name) || names.contains(name) { return .knownID }
        transaction.append(event, name: name)
        return .taken
    }

    package func commit(_ transaction: LogTransaction) throws(EventLogError) -> [EventBatch] {
        var batches: [EventBatch] = []
        if let failure = state.failure { throw failure }
        if state.isBehind { try applyWaiting() }
        if transaction.hasFacts {
            let record = FactRecord(
                transaction, first: nextPosition, appendedAtNanoseconds: steadyNanoseconds())
            let number = facts.next
            do throws(LogError) {
                let bytes = try facts.append(record)
                state.enqueue(EventState.Stored(number: number, blockBytes: bytes, facts: record))
            } catch {
                throw EventLogError(error)
            }
            nextPosition = record.end
            for row in record.rows { remember(row) }
            batches = record.rows.map(\.batch)
        }
        state.enqueue(transaction.progress)
        return batches
    }

    package func takeNewID() throws(EventLogError) {
        let (id, position) = (JournalID.random(), nextPosition)
        do {
            // In this order: a start notices that the log has taken an id that the state does not know.
            try facts.takeNewID(id)
            try state.perform { try $0.record(id, from: position) }
        } catch {
            throw EventLogError(error)
        }
        lineage.take(id, from: position)
    }

    private func applyWaiting() throws(EventLogError) {
        do {
            try state.perform { _ in }
        } catch {
            throw EventLogError(error)
        }
    }

    package func idle() throws(EventLogError) {
        do throws(LogError) {
            _ = try facts.idle()
        } catch {
            throw EventLogError(error)
        }
    }

    private func remember(_ row: FactRecord.Row) {
        let appendedAt = row.batch.appendedAtNanoseconds
        group(row.batch.first, appendedAt)
        let oldest = state.age.stamp(seconds: settings.dedupeWindowSeconds, at: appendedAt)
        let done = zip(dedupeGroups, dedupeGroups.dropFirst()).prefix { $0.endedAt < oldest || $1.first <= names.base }
        dedupeGroups.removeFirst(Array(done).count)
        names.drop(below: dedupeGroups[0].first)
        contents.drop(below: dedupeGroups[0].firstContent)
        for hash in row.names where names.append(hash) { earlyEvictions += 1 }
        for hash in row.contents where contents.append(hash) { earlyEvictions += 1 }
    }

    private func group(_ first: UInt64, _ appendedAt: Int64) {
        let grain = settings.dedupeWindowSeconds * 1_000_000_000 / Self.dedupeGroupsPerWindow
        if let last = dedupeGroups.indices.last, appendedAt - dedupeGroups[last].begunAt < grain {
            dedupeGroups[last].endedAt = appendedAt
        } else {
            dedupeGroups.append(
                DedupeGroup(first: first, firstContent: contents.next, begunAt: appendedAt, endedAt: appendedAt))
        }
    }

    private static let dedupeGroupsPerWindow: Int64 = 4096

    /// Reads the stored hashes of the window, never the events.
    private func rebuildDedupe(_ now: Int64) throws {
        let from = Int64(bitPattern: nextPosition) - Int64(settings.dedupeIDs) - Int64(settings.eventsPerRow)
        let age = state.age
        try state.queue.read { db in
            // A wall clock that was set forward while nobody looked makes nothing old.
            let newest = try Int64.fetchOne(db, sql: "SELECT appended_at FROM batch ORDER BY first DESC LIMIT 1")
            let oldest = age.stamp(seconds: settings.dedupeWindowSeconds, at: min(newest ?? .max, now))
            let rows = try Row.fetchCursor(
                db, sql: "SELECT first, appended_at, hashes, count FROM batch WHERE first >= ? AND appended_at >= ?",
                arguments: [from, oldest])
            var isFirst = true
            while let row = try rows.next() {
                let first = UInt64(bitPattern: row[0] as Int64)
                if isFirst { names = DedupeTable(limit: settings.dedupeIDs, next: first) }
                isFirst = false
                // A clock that was set back may have left a gap; positions must stay in step with the ring.
                if first > names.next { names = DedupeTable(limit: settings.dedupeIDs, next: first) }
                group(first, min(row[1], now))
                let hashes = Blob.hashes(row[2])
                for hash in hashes.prefix(row[3]) { _ = names.append(hash) }
                for hash in hashes.dropFirst(row[3]) { _ = contents.append(hash) }
            }
        }
        if names.next != nextPosition { names = DedupeTable(limit: settings.dedupeIDs, next: nextPosition) }
    }

    package func retain(seconds: Int64, bytes: Int64) {
        try? state.perform { state in
            state.settings.retentionSeconds = seconds
            state.settings.retentionBytes = bytes
        }
    }

    package func dropExpired(nowNanoseconds: Int64, rows: Int) throws -> Int {
        try state.perform(mayLag: true) { state in
            // On a full disk it is done later.
            try? state.note(nowNanoseconds)
            let oldest = state.age.stamp(seconds: state.settings.retentionSeconds, at: nowNanoseconds)
            let dropped = max(
                try state.dropRows(before: oldest, rows: rows),
                try state.dropAgedDeadLetters(before: oldest, rows: rows),
                try state.dropOrphans(rows: rows))
            let (position, number) = (state.firstPosition, try state.firstUsed())
            given.withLock { $0 = (position, number) }
            return dropped
        }
    }

    package func trim() throws(EventLogError) {
        guard let (position, number) = given.withLock({ $0 }) else { return }
        names.drop(below: position)
        do throws(LogError) {
            try facts.trim(below: number)
        } catch {
            throw EventLogError(error)
        }
    }
}

extension EventState {
    /// Drops at most `rows` of the oldest rows that are over age or size.
    fileprivate func dropRows(before oldest: Int64, rows: Int) throws -> Int {
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
            try db.execute(sql: "UPDATE state SET log_bytes = ?", arguments: [remaining])
        }
        logBytes = remaining
        firstPosition = boundary
        return doomed.count
    }

    /// The number of the oldest record that a row refers to or that a power cut would take from the state.
    fileprivate func firstUsed() throws -> UInt64 {
        let number = try queue.read { db in
            try Int64.fetchOne(db, sql: "SELECT number FROM batch ORDER BY first LIMIT 1").map { UInt64($0) }
                ?? applied + 1
        }
        if number > flushed + 1, unflushedBytes > Self.mostUnflushedBytes { try? flush() }
        return min(number, flushed + 1)
    }

    /// So much of the log may be kept only because the state has not been flushed since.
    private static let mostUnflushedBytes = 1 << 20
}

extension SegmentEventLog {
    /// The values of SQLite's pragmas on the writing connection.
    func pragmas(_ names: [String]) throws -> [String] {
        try state.queue.read { db in
            try names.map { try String.fetchOne(db, sql: "PRAGMA \($0)") ?? "" }
        }
    }
}
