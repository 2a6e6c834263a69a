import Glibc

/// The monotonic clock in nanoseconds.
func monotonicNanoseconds() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}

/// Sleeps until a time of the monotonic clock: how a load keeps its rate and a fault its date.
func sleepUntil(_ nanoseconds: Int64) {
    var until = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nil) == EINTR {}
}

/// Sleeps, where a test is about something lasting so long.
func pause(seconds: Double) {
    sleepUntil(monotonicNanoseconds() + Int64(seconds * 1e9))
}

/// Looks again and again until `condition` holds; throws a failure that names what was waited for. The deadline is
/// generous, because it ends only tests that fail.
func waitUntil(_ what: String, _ condition: () throws -> Bool) throws {
    let seconds = 300.0
    let deadline = monotonicNanoseconds() + Int64(seconds * 1e9)
    while try !condition() {
        guard monotonicNanoseconds() < deadline else { throw Failure("waited \(seconds) s in vain until \(what)") }
        pause(seconds: 0.02)
    }
}

/// Prints a measured figure or why something was skipped.
func report(_ text: String) {
    print("    \(text)")
    fflush(nil)
}

extension Double {
    /// With so many decimals.
    func rounded(to decimals: Int) -> String {
        let factor = pow(10, Double(decimals))
        return "\((self * factor).rounded() / factor)"
    }
}
