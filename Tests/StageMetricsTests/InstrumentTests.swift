import Testing

@testable import StageMetrics

@Suite struct InstrumentTests {
    let registry = MetricRegistry(stage: "s", instance: "s-0", version: "1")

    @Test func `a counter never goes back`() {
        let counter = registry.counter("c_total", help: "x")
        counter.add(5)
        counter.add(-3)
        counter.add(0)
        #expect(counter.value == 5)
    }

    @Test func `additions from many threads are all counted`() async {
        let counter = registry.counter("c_total", help: "x")
        let gauge = registry.gauge("g", help: "x")
        let histogram = registry.histogram("h_seconds", help: "x")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for step in 0..<1000 {
                        counter.add()
                        gauge.add(1)
                        histogram.record(nanoseconds: Int64(step) * 1000)
                    }
                }
            }
        }
        #expect(counter.value == 8000)
        #expect(gauge.value == 8000)
        #expect(histogram.count == 8000)
    }

    @Test func `quantiles lie in the bucket of their record`() {
        let histogram = registry.histogram("h_seconds", help: "x")
        #expect(histogram.quantile(0.99) == 0)
        histogram.record(nanoseconds: 900_000, count: 99)
        histogram.record(nanoseconds: 40_000_000)
        #expect((0.00075...0.001).contains(histogram.quantile(0.5)))
        #expect((0.00075...0.001).contains(histogram.quantile(0.99)))
        #expect((0.03...0.05).contains(histogram.quantile(1)))
    }

    @Test func `what is longer than the last bound counts as the last bound`() {
        let histogram = registry.histogram("h_seconds", help: "x")
        histogram.record(nanoseconds: .max)
        #expect(histogram.quantile(0.5) == 60)
    }

    @Test func `negative durations and counts do no harm`() {
        let histogram = registry.histogram("h_seconds", help: "x")
        histogram.record(nanoseconds: -5)
        histogram.record(nanoseconds: 5, count: -1)
        #expect(histogram.count == 1)
    }

    @Test func `the monotonic clock does not go back and the wall clock is of this century`() {
        let first = monotonicNanoseconds()
        #expect(monotonicNanoseconds() >= first)
        #expect(wallNanoseconds() > 1_600_000_000_000_000_000)
    }
}

extension LatencyHistogram {
    /// The duration in seconds below which the share `q` (0 … 1) of all records lies, interpolated within its bucket;
    /// 0 when nothing was recorded, the last bound when it lies beyond.
    func quantile(_ q: Double) -> Double {
        let counts = snapshot().counts
        let total = counts.reduce(0, +)
        guard total > 0 else { return 0 }
        let rank = min(max(q, 0), 1) * Double(total)
        var below = 0.0
        for (bucket, count) in counts.enumerated() where count > 0 {
            if below + Double(count) >= rank {
                guard bucket < LatencyHistogram.bounds.count else { break }
                let lower = bucket == 0 ? 0 : Double(LatencyHistogram.bounds[bucket - 1])
                let width = Double(LatencyHistogram.bounds[bucket]) - lower
                return (lower + width * (rank - below) / Double(count)) / 1e9
            }
            below += Double(count)
        }
        return Double(LatencyHistogram.bounds[LatencyHistogram.bounds.count - 1]) / 1e9
    }

    /// How many durations were recorded.
    var count: Int {
        snapshot().counts.reduce(0, +)
    }
}
