import Wire

/// The reading side of the event log, for lanes that lag and for searches. Used by one thread, never the writer's;
/// every call is a short transaction of its own.
package protocol EventLogReader: AnyObject {
    /// Whole rows from the one that holds `position` on, until `maxBytes` are exceeded; at least one where any is left.
    func batches(from position: UInt64, maxBytes: Int) throws -> LogChunk

    /// The row that holds `position`; nil where retention dropped it or it does not exist yet.
    func batch(holding position: UInt64) throws -> EventBatch?

    /// The first position still held; the next that will be given where none is.
    func firstPosition() throws -> UInt64

    /// Events that match, in the order of the query; `next` is where to go on.
    func search(_ query: EventQuery) throws -> EventPage

    /// The first position whose webhook was received at or after a time, nanoseconds since 1970; the next position that
    /// will be given where there is none.
    func position(at nanoseconds: Int64) throws -> UInt64

    /// When the row that holds a position was written, nanoseconds since 1970; nil where no such row is left.
    func appended(_ position: UInt64) throws -> Int64?

    /// The position up to which a watcher acknowledged under a name; nil where none did.
    func cursor(_ name: String) throws -> UInt64?

    /// Deliveries that wait for their replay, by ticket, from behind `after`.
    func queuedReplays(subscription: String, after ticket: Int64, limit: Int) throws -> [QueuedReplay]

    /// Whether the event at `position` is one of them.
    func queuedReplay(subscription: String, position: UInt64) throws -> QueuedReplay?

    /// How many of them there are.
    func queuedReplayCount(subscription: String) throws -> Int

    /// Replay jobs, newest first, from behind the job `before`; nil: from the newest.
    func replays(subscription: String?, before: Int64?, limit: Int) throws -> [ReplayJob]

    func replay(id: Int64) throws -> ReplayJob?

    /// Replay jobs that have not ended, oldest first.
    func runningReplays() throws -> [ReplayJob]

    /// The highest position that a subscription has taken, and the positions up to it that are neither delivered nor
    /// dead, as they were saved last; nil for a subscription that was never seen.
    func progress(of subscription: String) throws -> (taken: UInt64, unfinished: Set<UInt64>)?

    /// Dead letters that match; `next` is where to go on.
    func deadLetters(_ query: DeadLetterQuery) throws -> DeadLetterPage

    /// What matches, counted by subscription and cause.
    func deadLetterTotals(_ filter: DeadLetterFilter) throws -> [DeadLetterTotal]

    /// The events among the dead letters of each subscription that has any.
    func deadLetterCounts() throws -> [String: Int]

    /// The dead letter of that subscription that covers `position`.
    func deadLetter(subscription: String, position: UInt64) throws -> DeadLetter?

    /// Kept attempts that match, newest first; `next` is where to go on.
    func attempts(_ query: AttemptQuery) throws -> AttemptPage

    /// The kept attempts for one event, oldest first.
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
