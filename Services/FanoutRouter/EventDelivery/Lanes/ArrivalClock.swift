/// When events came into the log, by the monotonic clock: how old one is does not change when the wall clock jumps. Keeps
/// few marks, close together for what came lately and far apart for what came long ago. Pure.
struct ArrivalClock: Sendable {
    /// An age may be too small by this part of itself, and by the time between two calls of `note`.
    private static let precision: Int64 = 32

    /// Every position below had come in by then, in monotonic nanoseconds; ascending. The first is the start.
    private var marks: [(below: UInt64, at: Int64)]

    /// Knows the events from `next` on.
    init(next: UInt64, now: Int64) {
        marks = [(next, now)]
    }

    /// How many marks are kept: a few hundred for months.
    var count: Int { marks.count }

    /// Every position below `next` has come in.
    mutating func note(next: UInt64, now: Int64) {
        guard let last = marks.last, next > last.below else { return }
        marks.append((below: next, at: now))
        var kept = [marks[0]]
        for (mark, following) in zip(marks.dropFirst(), marks.dropFirst(2)) {
            // Left out where the one that then stands for it tells nearly the same age.
            if following.at - kept[kept.count - 1].at > (now - following.at) / Self.precision { kept.append(mark) }
        }
        kept.append((below: next, at: now))
        marks = kept
    }

    /// How long ago an event came in, in nanoseconds; nil for those from before the start.
    func age(of position: UInt64, now: Int64) -> Int64? {
        guard position >= marks[0].below else { return nil }
        return marks.first { $0.below > position }.map { max(0, now - $0.at) } ?? 0
    }
}
