internal import Wire

/// When a bus thread looks after what does not wake it: new instances, gauges, notices said again. Soon while records move
/// or a link is missing, seldom otherwise. Times are monotonic nanoseconds.
package struct Housekeeping {
    /// How long it goes on quickly behind the last record …
    private static let afterRecords: Int64 = 100_000_000
    /// … and behind the last change of a link, as the others of a start or a scaling follow.
    private static let afterLinks: Int64 = 5_000_000_000

    private var next: Int64 = 0
    private var busyUntil: Int64 = 0

    package init() {}

    /// Records came, went or ended.
    package mutating func recordsMoved(at now: Int64) { hurry(now, until: now + Self.afterRecords) }

    /// An instance came or went.
    package mutating func linksChanged(at now: Int64) { hurry(now, until: now + Self.afterLinks) }

    private mutating func hurry(_ now: Int64, until end: Int64) {
        busyUntil = max(busyUntil, end)
        next = min(next, now + Limits.housekeepingNanoseconds)
    }

    package func isDue(at now: Int64) -> Bool { now >= next }

    /// It is being done. `isComplete`: no link is missing.
    package mutating func begin(at now: Int64, isComplete: Bool) {
        next = now + (isComplete && now >= busyUntil ? Limits.idleNanoseconds : Limits.housekeepingNanoseconds)
    }

    /// Until it is due.
    package func pauseNanoseconds(at now: Int64) -> Int64 { max(0, next - now) }
}
