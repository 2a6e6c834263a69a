import DequeModule
import EventLog
import PipelineConfiguration

/// The newest rows of the log in memory, bounded in bytes. Lanes near the head read from here, the others from disk.
///
/// Confined to the event loop. Rows are consecutive: whoever misses one starts anew behind the gap.
struct EventFeed {
    private var batches: Deque<RenderedBatch> = []
    private var bytes = 0
    private let budgetBytes: Int
    /// The position after the newest event.
    private(set) var next: UInt64

    init(next: UInt64, budgetBytes: Int) {
        self.next = next
        self.budgetBytes = budgetBytes
    }

    /// Adds a row and drops the oldest over the budget; at least the newest stays.
    mutating func append(_ batch: RenderedBatch) {
        if batch.first != next {
            batches.removeAll()
            bytes = 0
        }
        batches.append(batch)
        bytes += batch.sizeBytes
        next = batch.last + 1
        while bytes > budgetBytes, batches.count > 1 {
            bytes -= batches.removeFirst().sizeBytes
        }
    }

    /// The row that holds `position`; nil where it is no longer, or not yet, in memory.
    func batch(holding position: UInt64) -> RenderedBatch? {
        guard let oldest = batches.first, position >= oldest.first, position < next else { return nil }
        var low = 0
        var high = batches.count - 1
        while low < high {
            let middle = (low + high) / 2
            if batches[middle].last < position { low = middle + 1 } else { high = middle }
        }
        return batches[low]
    }

    /// One event as it is sent; nil where it is not in memory.
    func event(_ position: UInt64, as format: SubscriptionFormat) -> RenderedEvent? {
        batch(holding: position).flatMap { RenderedEvent(at: position, in: $0, as: format) }
    }

    /// Says that the log has events up to `next` that are not in memory.
    mutating func advance(to next: UInt64) {
        guard next > self.next else { return }
        batches.removeAll()
        bytes = 0
        self.next = next
    }
}
