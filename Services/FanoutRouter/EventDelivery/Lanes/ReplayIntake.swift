import EventLog

/// Reads the deliveries that jobs queued for a lane: each ticket once, in their order; its row stays until the delivery
/// ends. Confined to the event loop.
final class ReplayIntake {
    private let subscription: String
    private let source: any LaneSource
    /// Whether any may be queued that were not read.
    private(set) var hasMore: Bool
    private var lastTicket: Int64 = 0

    init(_ subscription: String, source: any LaneSource, hasMore: Bool) {
        self.subscription = subscription
        self.source = source
        self.hasMore = hasMore
    }

    func queued() { hasMore = true }

    /// Reads as many as there is room for, with the reads that a lane makes one at a time.
    func read(_ rows: LaneRows, room: Int, take: @escaping (QueuedReplay) -> Void) {
        guard hasMore, room > 0, !rows.isReading else { return }
        // More may be queued while this reads.
        hasMore = false
        rows.read({ source.readReplays(subscription, after: lastTicket, limit: room, done: $0) }) { [weak self] found in
            guard let self else { return false }
            if found.map({ $0.count == room }) ?? true { hasMore = true }
            for replay in found ?? [] {
                lastTicket = replay.ticket
                take(replay)
            }
            return found != nil
        }
    }
}
