import Synchronization
import Threads
import Wire

/// Webhooks on their way to one row of the journal and who waits for their answers, in the same order.
struct PendingBatch: Sendable {
    /// As they came; the journal's thread joins them.
    var pieces: [RecordBatch]
    var tokens: [ReplyToken]
    private(set) var byteCount: Int

    init(_ records: RecordBatch, tokens: [ReplyToken]) {
        pieces = [records]
        self.tokens = tokens
        byteCount = records.byteCount
    }

    /// Whether `other` can follow in the same row.
    func hasRoom(for other: PendingBatch) -> Bool {
        tokens.count + other.tokens.count <= Limits.batchRecords && byteCount + other.byteCount <= Limits.batchBytes
    }

    mutating func append(_ other: PendingBatch) {
        pieces += other.pieces
        tokens += other.tokens
        byteCount += other.byteCount
    }
}

/// What the journal's thread finds when it looks.
struct JournalWork: Sendable {
    struct ReadBack: Sendable {
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
final class JournalMailbox: Sendable {
    private struct State {
        var work = JournalWork()
        var bytes = 0
        var isAsleep = false
    }

    private let state = Mutex(State())
    private let wakeUp = TimedSemaphore()
    /// Bytes that wait, to be looked at without the lock.
    private let pendingBytes = Atomic<Int>(0)

    /// Whether more waits than the budget allows.
    var isFull: Bool { pendingBytes.load(ordering: .relaxed) > IngressLimits.pendingBytes }

    /// Hands over what an event loop has collected in one turn. Small batches grow together while the journal is
    /// busy, so that rows become large exactly when load is high.
    func submit(_ batches: [PendingBatch]) {
        post { state in
            for batch in batches {
                state.bytes += batch.byteCount
                if let last = state.work.batches.indices.last, state.work.batches[last].hasRoom(for: batch) {
                    state.work.batches[last].append(batch)
                } else {
                    state.work.batches.append(batch)
                }
            }
            pendingBytes.store(state.bytes, ordering: .relaxed)
        }
    }

    func settle(through watermark: UInt64) {
        post { $0.work.settledThrough = max($0.work.settledThrough, watermark) }
    }

    func readBack(_ wanted: JournalWork.ReadBack) {
        post { $0.work.readBack = wanted }
    }

    func renumber() {
        post { $0.work.renumbers = true }
    }

    /// Ends the thread after what waits now.
    func stop() {
        post { $0.work.stops = true }
    }

    /// Takes everything that waits; sleeps until there is something, for `milliseconds` at most.
    func take(within milliseconds: Int) -> JournalWork {
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
