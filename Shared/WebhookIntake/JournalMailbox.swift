internal import Synchronization
internal import Threads
package import Wire

/// Webhooks on their way to the journal, which stores all of them or none, and who waits for their answers, in the same order.
package struct PendingBatch: Sendable {
    package let records: RecordBatch
    package let tokens: [ReplyToken]

    package init(_ records: RecordBatch, tokens: [ReplyToken]) {
        self.records = records
        self.tokens = tokens
    }
}

/// What the journal's thread finds when it looks.
package struct JournalWork: Sendable {
    package struct ReadBack: Sendable {
        var sequence: UInt64
        var maxRecords: Int
        var maxBytes: Int
    }

    var batches: [PendingBatch] = []
    var settledThrough: UInt64 = 0
    var readBack: ReadBack?
    var renumbers = false
    var stops = false

    var isEmpty: Bool { batches.isEmpty && settledThrough == 0 && readBack == nil && !renumbers && !stops }
}

/// The one way to the journal's thread: one lock and at most one wake-up per batch, never one per webhook.
package final class JournalMailbox: Sendable {
    private struct State {
        var work = JournalWork()
        var bytes = 0
        var isAsleep = false
    }

    private let state = Mutex(State())
    private let wakeUp = TimedSemaphore()
    /// Bytes that wait, to be looked at without the lock.
    private let pendingBytes = Atomic<Int>(0)

    package init() {}

    /// Whether more waits than the budget allows.
    package var isFull: Bool { pendingBytes.load(ordering: .relaxed) > IntakeLimits.pendingBytes }

    /// Hands over what an event loop has collected in one turn.
    package func submit(_ batches: [PendingBatch]) {
        post { state in
            for batch in batches { state.bytes += batch.records.byteCount }
            state.work.batches += batches
            pendingBytes.store(state.bytes, ordering: .relaxed)
        }
    }

    package func settle(through watermark: UInt64) {
        post { $0.work.settledThrough = max($0.work.settledThrough, watermark) }
    }

    package func readBack(_ wanted: JournalWork.ReadBack) {
        post { $0.work.readBack = wanted }
    }

    package func renumber() {
        post { $0.work.renumbers = true }
    }

    /// Ends the thread after what waits now.
    package func stop() {
        post { $0.work.stops = true }
    }

    /// Takes everything that waits; sleeps until there is something, for `milliseconds` at most.
    package func take(within milliseconds: Int) -> JournalWork {
        if let work = takeNow(sleepsIfEmpty: true) { return work }
        _ = wakeUp.wait(milliseconds: milliseconds)
        return takeNow(sleepsIfEmpty: false) ?? JournalWork()
    }

    private func takeNow(sleepsIfEmpty: Bool) -> JournalWork? {
        state.withLock { state in
            if state.work.isEmpty {
                state.isAsleep = sleepsIfEmpty
                return nil
            }
            state.isAsleep = false
            defer {
                state.work = JournalWork()
                state.bytes = 0
                pendingBytes.store(0, ordering: .relaxed)
            }
            return state.work
        }
    }

    private func post(_ change: (inout State) -> Void) {
        let wakes = state.withLock { state in
            change(&state)
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if wakes { wakeUp.signal() }
    }
}
