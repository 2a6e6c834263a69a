import Wire

/// The reading side of the event log, for lanes that lag and for searches. Used by one thread, never the writer's;
/// every call is a short transaction of its own.
package protocol EventLogReader: AnyObject {
    /// Whole rows from the one that holds `position` on, until `maxBytes` are exceeded; at least one where any is left.
    func batches(from position: UInt64, maxBytes: Int) throws -> LogChunk

    /// The row that holds `position`; nil where retention dropped it or it does not exist yet.
    func batch(holding position: UInt64) throws -> EventBatch?

    /// Events that match, ascending; `next` is where to go on.
    func search(_ query: EventQuery) throws -> EventPage

    /// Positions above `after` of dead letters that wait for their replay, ascending.
    func queuedReplays(subscription: String, after: UInt64, limit: Int) throws -> [UInt64]

    func deadLetters(subscription: String?, limit: Int) throws -> [(subscription: String, letter: DeadLetter)]

    func deadLetterCounts() throws -> [String: Int]

    /// The dead letter of that subscription that covers `position`.
    func deadLetter(subscription: String, position: UInt64) throws -> DeadLetter?

    /// The kept attempts for one event, by subscription, oldest first.
    func attempts(position: UInt64) throws -> [(subscription: String, attempt: AttemptRecord)]

    /// Quarantined webhooks that match; `next` is where to go on.
    func quarantined(_ query: QuarantineQuery) throws -> QuarantinePage

    /// One quarantined webhook with its head and body.
    func quarantined(id: Int64) throws -> QuarantinedWebhook?

    /// What matches, counted by source and code.
    func quarantineTotals(_ filter: QuarantineFilter) throws -> [QuarantineTotal]
}

/// What one reading of the log gave.
package struct LogChunk: Sendable {
    package var batches: [EventBatch]
    /// The first position still held; above what was asked for where retention overtook the reader.
    package var firstPosition: UInt64
}

/// What to search for; absent parts match everything.
package struct EventQuery: Sendable {
    package var source: String?
    /// The CloudEvents type, complete.
    package var type: String?
    package var subject: String?
    package var id: String?
    /// Only events above this position.
    package var after: UInt64 = 0
    package var limit = 100
    /// A search gives up its turn after this many rows and says where to go on.
    package var rowLimit = 20_000

    package init() {}
}

/// The answer to a search.
package struct EventPage: Sendable {
    /// Batch and position of each match.
    package var matches: [(batch: EventBatch, position: UInt64)] = []
    /// Pass as `after` to go on; nil at the end of the log.
    package var next: UInt64?
}
