import GRDB

/// The reading side of the event log, for lanes that lag and for searches: state and events, through a connection that
/// cannot write and never checkpoints. What it reads of the state includes everything that was committed before. Used by
/// one thread, never the writer's; every call is a short transaction of its own.
package final class EventLogReader {
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

    /// The position up to which a watcher acknowledged under a name; nil where none did.
    package func cursor(_ name: String) throws -> UInt64? { try read { try CursorTable.position(name, $0) } }

    /// Whole rows from the one that holds `position` on, until `maxBytes` are exceeded; at least one where any is left.
    package func batches(from position: UInt64, maxBytes: Int) throws -> LogChunk {
        try queue.read { db in
            let batches = try eventReader.batches(from: position, maxBytes: maxBytes, db)
            var first = try EventTimes.firstPosition(db)
            // Retention may have gone on since.
            if let found = batches.first?.first, found > position { first = max(first, found) }
            return LogChunk(batches: batches, firstPosition: first)
        }
    }

    /// The row that holds `position`; nil where retention dropped it or it does not exist yet.
    package func batch(holding position: UInt64) throws -> EventBatch? {
        try queue.read { try eventReader.batch(holding: position, $0) }
    }

    /// Events that match, in the order of the query; `next` is where to go on.
    package func search(_ query: EventQuery) throws -> EventPage {
        try read { try EventSearch(query, eventReader).run($0) }
    }

    /// The first position still held; the next that will be given where none is.
    package func firstPosition() throws -> UInt64 {
        try read { try EventTimes.firstPosition($0) }
    }

    /// The first position whose webhook was received at or after a time, nanoseconds since 1970; the next position that
    /// will be given where there is none.
    package func position(at nanoseconds: Int64) throws -> UInt64 {
        try read { try EventTimes.position(at: nanoseconds, eventReader, $0) }
    }

    /// When the row that holds a position was written, nanoseconds since 1970; nil where no such row is left.
    package func appended(_ position: UInt64) throws -> Int64? {
        try read { db in
            try Int64.fetchOne(
                db.cachedStatement(
                    sql: "SELECT appended_at FROM batch WHERE first <= ? ORDER BY first DESC LIMIT 1"),
                arguments: [Int64(bitPattern: position)])
        }
    }

    /// Deliveries that wait for their replay, by ticket, from behind `after`.
    package func queuedReplays(subscription: String, after ticket: Int64, limit: Int) throws -> [QueuedReplay] {
        try read { try ReplayTables.queued(of: subscription, after: ticket, limit: limit, $0) }
    }

    /// Whether the event at `position` is one of them.
    package func queuedReplay(subscription: String, position: UInt64) throws -> QueuedReplay? {
        try read { try ReplayTables.queued(of: subscription, at: position, $0) }
    }

    /// How many of them there are.
    package func queuedReplayCount(subscription: String) throws -> Int {
        try read { try ReplayTables.queuedCount(of: subscription, $0) }
    }

    /// Replay jobs, newest first, from behind the job `before`; nil: from the newest.
    package func replays(subscription: String?, before: Int64?, limit: Int) throws -> [ReplayJob] {
        try read { try ReplayTables.page(subscription, before: before, limit: limit, $0) }
    }

    /// Replay jobs that have not ended, oldest first.
    package func runningReplays() throws -> [ReplayJob] {
        try read { try ReplayTables.running($0) }
    }

    /// The highest position that a subscription has taken, and the positions up to it that are neither delivered nor
    /// dead, as they were saved last; nil for a subscription that was never seen.
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

    /// Dead letters that match; `next` is where to go on.
    package func deadLetters(_ query: DeadLetterQuery) throws -> DeadLetterPage {
        try read { try DeadLetterTable.page(query, $0) }
    }

    /// What matches, counted by subscription and cause.
    package func deadLetterTotals(_ filter: DeadLetterFilter) throws -> [DeadLetterTotal] {
        try read { try DeadLetterTable.totals(filter, $0) }
    }

    /// The events among the dead letters of each subscription that has any.
    package func deadLetterCounts() throws -> [String: Int] {
        try read { try DeadLetterTable.counts($0) }
    }

    /// The dead letter of that subscription that covers `position`.
    package func deadLetter(subscription: String, position: UInt64) throws -> DeadLetter? {
        try read { try DeadLetterTable.one(subscription, holding: position, $0) }
    }

    /// Kept attempts that match, newest first; `next` is where to go on.
    package func attempts(_ query: AttemptQuery) throws -> AttemptPage {
        try read { try AttemptTable.page(query, $0) }
    }

    /// The kept attempts for one event, oldest first.
    package func attempts(position: UInt64) throws -> [(subscription: String, attempt: AttemptRecord)] {
        try read { try AttemptTable.attempts(at: position, $0) }
    }

    /// Quarantined webhooks that match; `next` is where to go on.
    package func quarantined(_ query: QuarantineQuery) throws -> QuarantinePage {
        try read { try QuarantineTable.page(query, $0) }
    }

    /// One quarantined webhook with its head and body.
    package func quarantined(id: Int64) throws -> QuarantinedWebhook? {
        try read { try QuarantineTable.one(id, $0) }
    }

    /// What matches, counted by source and code.
    package func quarantineTotals(_ filter: QuarantineFilter) throws -> [QuarantineTotal] {
        try read { try QuarantineTable.totals(filter, $0) }
    }
}

/// What one reading of the log gave.
package struct LogChunk: Sendable {
    package var batches: [EventBatch]
    /// The first position still held; above what was asked for where retention overtook the reader.
    package var firstPosition: UInt64
}
