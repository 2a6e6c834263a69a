internal import DequeModule
internal import Wire

/// How many records a worker finished in its last 10 ms: the bound of its next batch, so that a starved worker does not
/// hold up the order of the others.
package struct FinishRate: Sendable {
    private var finished: Deque<(at: Int64, count: Int)> = []
    private var sum = 0

    package init() {}

    package mutating func add(_ count: Int, at now: Int64) {
        finished.append((now, count))
        sum += count
        forget(before: now - Limits.creditHorizonNanoseconds)
    }

    /// At least one, at most a full batch.
    package mutating func batchRecords(at now: Int64) -> Int {
        forget(before: now - Limits.creditHorizonNanoseconds)
        return min(max(sum, 1), Limits.batchRecords)
    }

    private mutating func forget(before horizon: Int64) {
        while let oldest = finished.first, oldest.at < horizon {
            sum -= oldest.count
            finished.removeFirst()
        }
    }
}
