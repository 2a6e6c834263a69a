import EventLog
import NIOCore

/// What a lane reads from. All completions run on the event loop, later.
protocol LaneSource: AnyObject {
    /// The newest rows.
    var feed: EventFeed { get }
    /// Rows from disk, rendered, and the first position still held.
    func readChunk(
        from position: UInt64, done: @escaping (Result<([RenderedBatch], UInt64), any Error>) -> Void)
    /// One event from disk, rendered; nil where retention dropped it.
    func readBody(at position: UInt64, done: @escaping (Result<RenderedEvent?, any Error>) -> Void)
    /// Dead letters above a position that wait for their replay.
    func readReplays(
        _ subscription: String, after: UInt64, limit: Int, done: @escaping (Result<[UInt64], any Error>) -> Void)
    /// Said once, when a subscriber answers 410.
    func laneDisabled(_ subscription: String)
}

/// One event as it is sent.
struct RenderedEvent: Sendable {
    var body: [UInt8]
    var receivedAtNanoseconds: Int64
}
