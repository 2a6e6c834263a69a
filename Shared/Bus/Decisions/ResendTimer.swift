/// When a record that is neither settled nor held is sent again: after max(100 ms, 4 × the smoothed time from sending to
/// held), doubled for each resend of it.
package struct ResendTimer: Sendable {
    package static let floorNanoseconds: Int64 = 100_000_000
    package static let ceilingNanoseconds: Int64 = 30_000_000_000

    /// Smoothed time from first sending to held; 0 before the first sample.
    package private(set) var smoothedNanoseconds: Int64 = 0

    package init() {}

    /// Takes the time that one record needed from its first sending until it was held. Samples count from the first
    /// sending even where a record was sent again, so that overload lengthens the timer instead of looking like loss.
    package mutating func sample(_ nanoseconds: Int64) {
        smoothedNanoseconds =
            smoothedNanoseconds == 0 ? nanoseconds : smoothedNanoseconds + (nanoseconds - smoothedNanoseconds) / 8
    }

    /// How long to wait after the latest sending of a record that was sent again `resends` times.
    package func timeout(resends: UInt8) -> Int64 {
        let first = max(Self.floorNanoseconds, 4 * smoothedNanoseconds)
        let doublings = min(Int64(resends), 20)
        return min(first << doublings, max(Self.ceilingNanoseconds, first))
    }
}
