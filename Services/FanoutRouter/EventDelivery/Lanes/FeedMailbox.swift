import Synchronization

/// Where the log thread leaves new rows for the event loop: bounded, so that a busy loop costs no memory. What does
/// not fit is left out, and the lanes read it from the log.
final class FeedMailbox: Sendable {
    private struct State {
        var batches: [RenderedBatch] = []
        var bytes = 0
        var next: UInt64 = 0
        var wake: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    private let budgetBytes: Int

    init(budgetBytes: Int) {
        self.budgetBytes = budgetBytes
    }

    /// Calls `wake` on the putting thread whenever something is left in an empty mailbox.
    func onArrival(_ wake: @escaping @Sendable () -> Void) {
        state.withLock { $0.wake = wake }
    }

    /// Leaves rows; `next` is the position after the newest event.
    func put(_ batches: [RenderedBatch], next: UInt64) {
        let wake = state.withLock { state in
            let wasEmpty = state.next == 0
            state.next = next
            for batch in batches {
                if state.bytes > budgetBytes {
                    // A gap: what came before is of no use to the feed either.
                    state.batches.removeAll()
                    state.bytes = 0
                }
                state.batches.append(batch)
                state.bytes += batch.sizeBytes
            }
            return wasEmpty ? state.wake : nil
        }
        wake?()
    }

    /// Takes everything out; `next` is 0 where nothing was there.
    func take() -> (batches: [RenderedBatch], next: UInt64) {
        state.withLock { state in
            let taken = (state.batches, state.next)
            state.batches = []
            state.bytes = 0
            state.next = 0
            return taken
        }
    }
}
