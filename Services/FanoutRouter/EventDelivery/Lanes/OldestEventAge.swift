import StageMetrics

/// Says how long the oldest event of a lane has been in the log, by the hub's clock, or by the log for what came in
/// before this process began. Confined to the event loop.
final class OldestEventAge {
    /// The oldest event that came in before the start, and when, in monotonic nanoseconds; it may lie below zero.
    private(set) var earlier: (position: UInt64, arrivedNanoseconds: Int64)?
    private var isAsked = false

    /// `oldest`: the first event that is neither delivered nor given up; nil where there is none. `now`: monotonic
    /// nanoseconds.
    func report(_ oldest: UInt64?, _ arrivals: ArrivalClock, _ source: any LaneSource, to gauge: Gauge, now: Int64) {
        guard let oldest else { return gauge.set(0) }
        if let age = arrivals.age(of: oldest, now: now) { return gauge.set(Double(age) / 1e9) }
        if let earlier, earlier.position == oldest {
            return gauge.set(Double(max(0, now - earlier.arrivedNanoseconds)) / 1e9)
        }
        guard !isAsked else { return }
        isAsked = true
        source.readArrival(of: oldest) { [weak self] result in
            guard let self else { return }
            isAsked = false
            guard case .success(let arrived) = result else { return }
            earlier = (oldest, arrived)
            gauge.set(Double(max(0, monotonicNanoseconds() - arrived)) / 1e9)
        }
    }
}
