/// When a record that is neither settled nor held is sent again: after max(100 ms, 4 × the smoothed time from sending to
/// held), doubled for each resend of it, and never later than 10 s.
package struct ResendTimer: Sendable {
    package static let floorNanoseconds: Int64 = 100_000_000
    package static let ceilingNanoseconds: Int64 = 10_000_000_000

    /// Smoothed time from first sending to held; 0 before the first sample.
    package private(set) var smoothedNanoseconds: Int64 = 0

    package init() {}

    /// Takes the time that the first copy of one record needed from its sending until it was held. A first copy that
    /// arrives late counts even where the record was sent again meanwhile, so that overload lengthens the timer instead
    /// of looking like loss. The time of a later copy contains this timer's own waiting and must not come here, or the
    /// timer would feed on itself. What is longer than the ceiling makes use of is taken as that much.
    package mutating func sample(_ nanoseconds: Int64) {
        let nanoseconds = min(nanoseconds, Self.ceilingNanoseconds / 4)
        smoothedNanoseconds =
            smoothedNanoseconds == 0 ? nanoseconds : smoothedNanoseconds + (nanoseconds - smoothedNanoseconds) / 8
    }

    /// How long to wait after the latest sending of a record that was sent again `resends` times.
    package func timeout(resends: UInt8) -> Int64 {
        let first = max(Self.floorNanoseconds, 4 * smoothedNanoseconds)
        return min(first << min(Int64(resends), 7), Self.ceilingNanoseconds)
    }
}
