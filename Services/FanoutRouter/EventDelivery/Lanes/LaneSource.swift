import EventLog
import NIOCore
import PipelineConfiguration

/// What a lane reads from. All completions run on the event loop, later.
protocol LaneSource: AnyObject {
    /// The newest rows.
    var feed: EventFeed { get }
    /// Rows from disk, rendered, and the first position still held.
    func readChunk(
        from position: UInt64, done: @escaping (Result<([RenderedBatch], UInt64), any Error>) -> Void)
    /// Events from disk, rendered, in order; ends before the one that would exceed `maxBytes`, but not before the
    /// first.
    func readContents(
        of positions: [UInt64], as format: SubscriptionFormat, maxBytes: Int,
        done: @escaping (Result<RenderedEvents, any Error>) -> Void)
    /// The partition keys of events, in order; an empty one where an event has none or retention dropped it.
    func readKeys(of positions: [UInt64], done: @escaping (Result<[[UInt8]], any Error>) -> Void)
    /// Deliveries that wait for their replay, by ascending ticket, behind the one given.
    func readReplays(
        _ subscription: String, after ticket: Int64, limit: Int,
        done: @escaping (Result<[QueuedReplay], any Error>) -> Void)
    /// When an event from before the start came into the log, in monotonic nanoseconds: what the wall clock said passed
    /// until the start, counted back from it.
    func readArrival(of position: UInt64, done: @escaping (Result<Int64, any Error>) -> Void)
    /// Said once, when a subscription is disabled without an operator.
    func laneDisabled(_ subscription: String, _ reason: String)
}

/// One event as it is sent.
struct RenderedEvent: Sendable {
    var content: DeliveryContent
    var receivedAtNanoseconds: Int64
}

/// Several of them.
struct RenderedEvents: Sendable {
    var events: [RenderedEvent] = []
    /// Those that retention dropped.
    var missing: [UInt64] = []
}

extension RenderedEvent {
    /// An event of a row in memory; nil where the row does not hold it.
    init?(at position: UInt64, in batch: RenderedBatch, as format: SubscriptionFormat) {
        guard let content = EventFormat.content(of: position, in: batch, as: format) else { return nil }
        let receivedAt = batch.batch.withRecord(at: position) { $0.receivedAtNanoseconds }
        self.init(content: content, receivedAtNanoseconds: receivedAt ?? 0)
    }

    /// An event of a row from disk.
    init?(at position: UInt64, of batch: EventBatch, as format: SubscriptionFormat) {
        guard let content = EventFormat.content(of: position, in: batch, as: format) else { return nil }
        let receivedAt = batch.withRecord(at: position) { $0.receivedAtNanoseconds }
        self.init(content: content, receivedAtNanoseconds: receivedAt ?? 0)
    }
}
