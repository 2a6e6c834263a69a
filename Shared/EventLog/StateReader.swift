import GRDB

/// Reads state and events through a connection that cannot write and never checkpoints. What it reads of the state
/// includes everything that was committed before.
package final class StateReader: EventLogReader {
    private let queue: DatabaseQueue
    private let state: EventState?
    private let events: EventReader?

    /// Reads the state alone, as far as it has come, also that of a log that another process has open. Throws
    /// `EventLogError`.
    package convenience init(path: String) throws(EventLogError) { try self.init(path: path, state: nil, events: nil) }

    init(path: String, state: EventState?, events: EventReader?) throws(EventLogError) {
        (self.state, self.events) = (state, events)
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

    private func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try state?.perform(mayLag: true) { _ in }
        return try queue.read(body)
    }

    private var eventReader: EventReader {
        get throws {
            guard let events else { throw EventLogError(.unreadable, "This reader knows the state alone.") }
            return events
        }
    }

    package func cursor(_ name: String) throws -> UInt64? { try read { try CursorTable.position(name, $0) } }

    package func batches(from position: UInt64, maxBytes: Int) throws -> LogChunk {
        try queue.read { db in
            let batches = try eventReader.batches(from: position, maxBytes: maxBytes, db)
            var first = try EventTimes.firstPosition(db)
            // Retention may have gone on since.
            if let found = batches.first?.first, found > position { first = max(first, found) }
            return LogChunk(batches: batches, firstPosition: first)
        }
    }

    package func batch(holding position: UInt64) throws -> EventBatch? {
        try queue.read { try eventReader.batch(holding: position, $0) }
    }

    package func search(_ query: EventQuery) throws -> EventPage {
        try read { try EventSearch(query, eventReader).run($0) }
    }

    package func firstPosition() throws -> UInt64 {
        try read { try EventTimes.firstPosition($0) }
    }

    package func position(at nanoseconds: Int64) throws -> UInt64 {
        try read { try EventTimes.position(at: nanoseconds, eventReader, $0) }
    }

    package func appended(_ position: UInt64) throws -> Int64? {
        try read { db in
            try Int64.fetchOne(
                db.cachedStatement(
                    sql: "SELECT appended_at FROM batch WHERE first <= ? ORDER BY first DESC LIMIT 1"),
                arguments: [Int64(bitPattern: position)])
        }
    }

    package func queuedReplays(subscription: String, after ticket: Int64, limit: Int) throws -> [QueuedReplay] {
        try read { try ReplayTables.queued(of: subscription, after: ticket, limit: limit, $0) }
    }

    package func queuedReplay(subscription: String, position: UInt64) throws -> QueuedReplay? {
        try read { try ReplayTables.queued(of: subscription, at: position, $0) }
    }

    package func queuedReplayCount(subscription: String) throws -> Int {
        try read { try ReplayTables.queuedCount(of: subscription, $0) }
    }

    package func replays(subscription: String?, before: Int64?, limit: Int) throws -> [ReplayJob] {
        try read { try ReplayTables.page(subscription, before: before, limit: limit, $0) }
    }

    package func runningReplays() throws -> [ReplayJob] {
        try read { try ReplayTables.running($0) }
    }

    package func progress(of subscription: String) throws -> (taken: UInt64, unfinished: Set<UInt64>)? {
        try read { db in
            guard let progress = try LaneTables.progress(subscription, db) else { return nil }
            return (progress.taken, try LaneTables.unfinished(subscription, db))
        }
    }

    /// The saved state of a subscription; an empty one where it was never seen.
    package func lane(_ subscription: String) throws -> SavedLane {
        try read { try LaneTables.saved(subscription, $0) }
            ?? SavedLane(progress: LaneProgress(subscription: subscription, taken: 0))
    }

    package func replay(id: Int64) throws -> ReplayJob? {
        try read { try ReplayTables.one(id, $0) }
    }

    package func deadLetters(_ query: DeadLetterQuery) throws -> DeadLetterPage {
        try read { try DeadLetterTable.page(query, $0) }
    }

    package func deadLetterTotals(_ filter: DeadLetterFilter) throws -> [DeadLetterTotal] {
        try read { try DeadLetterTable.totals(filter, $0) }
    }

    package func deadLetterCounts() throws -> [String: Int] {
        try read { try DeadLetterTable.counts($0) }
    }

    package func deadLetter(subscription: String, position: UInt64) throws -> DeadLetter? {
        try read { try DeadLetterTable.one(subscription, holding: position, $0) }
    }

    package func attempts(_ query: AttemptQuery) throws -> AttemptPage {
        try read { try AttemptTable.page(query, $0) }
    }

    package func attempts(position: UInt64) throws -> [(subscription: String, attempt: AttemptRecord)] {
        try read { try AttemptTable.attempts(at: position, $0) }
    }

    package func quarantined(_ query: QuarantineQuery) throws -> QuarantinePage {
        try read { try QuarantineTable.page(query, $0) }
    }

    package func quarantined(id: Int64) throws -> QuarantinedWebhook? {
        try read { try QuarantineTable.one(id, $0) }
    }

    package func quarantineTotals(_ filter: QuarantineFilter) throws -> [QuarantineTotal] {
        try read { try QuarantineTable.totals(filter, $0) }
    }
}
