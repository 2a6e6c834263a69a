import StageMetrics

/// What the metrics say of a subscription beside what is counted: its state, and how far behind it is.
extension Lane {
    /// Brings the gauges up to date. `now`: monotonic nanoseconds.
    func report(_ arrivals: ArrivalClock, deadLetters: Int, now: Int64) {
        metrics.show(LaneState(self), deadLetters: deadLetters)
        guard let position = oldestPosition else { return metrics.oldest.set(0) }
        if let age = arrivals.age(of: position, now: now) { return metrics.oldest.set(Double(age) / 1e9) }
        if let earlier, earlier.position == position {
            return metrics.oldest.set(Double(max(0, now - earlier.arrivedNanoseconds)) / 1e9)
        }
        guard !isArrivalAsked else { return }
        isArrivalAsked = true
        source.readArrival(of: position) { [weak self] result in
            guard let self else { return }
            isArrivalAsked = false
            guard case .success(let arrived) = result else { return }
            earlier = (position, arrived)
            metrics.oldest.set(Double(max(0, monotonicNanoseconds() - arrived)) / 1e9)
        }
    }

    /// The first event that is neither delivered nor given up; nil where there is none. Replays are extra.
    private var oldestPosition: UInt64? {
        let unfinished = cursor.unfinished.lazy.filter { $0.value.replay == nil }.map(\.key).min()
        let ahead = cursor.taken + 1 < source.feed.next ? cursor.taken + 1 : nil
        return [unfinished, cursor.gathered.first, ahead].compactMap { $0 }.min()
    }
}
