import Synchronization

/// Durations counted in fixed buckets from 50 µs to 60 s, each about 1.4 times as wide as the one before.
///
/// Recording is three relaxed atomic additions and safe from every thread. Read while others record, the figures may
/// be a few records apart from one another; each of them is right on its own.
package final class LatencyHistogram: Sendable {
    /// The upper bounds of the buckets in nanoseconds; what is longer is counted in one more bucket.
    static let bounds: [Int64] = {
        var bounds: [Int64] = [50_000, 75_000]
        for decade in [100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000] as [Int64] {
            for tenths in [10, 15, 20, 30, 50, 75] as [Int64] {
                bounds.append(decade / 10 * tenths)
            }
        }
        return bounds.filter { $0 < 60_000_000_000 } + [60_000_000_000]
    }()

    private let buckets = InlineArray<40, Atomic<Int>> { _ in Atomic(0) }
    private let sum = Atomic<Int64>(0)

    init() {
        precondition(Self.bounds.count < 40, "the histogram has more bounds than buckets")
    }

    /// Counts a duration, `count` times when several records share it. A negative duration counts as none.
    package func record(nanoseconds: Int64, count: Int = 1) {
        guard count > 0 else { return }
        let duration = max(0, nanoseconds)
        buckets[Self.bucket(of: duration)].wrappingAdd(count, ordering: .relaxed)
        sum.wrappingAdd(duration &* Int64(count), ordering: .relaxed)
    }

    /// The count of every bucket (one more than there are bounds) and the sum of all durations.
    func snapshot() -> (counts: [Int], sumNanoseconds: Int64) {
        let counts = (0...Self.bounds.count).map { buckets[$0].load(ordering: .relaxed) }
        return (counts, sum.load(ordering: .relaxed))
    }

    /// The first bucket whose bound is not below the duration.
    private static func bucket(of duration: Int64) -> Int {
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] < duration { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
