import Glibc

/// The wall clock in nanoseconds since 1970, for receipt times and time stamps that people read. It may jump.
package func wallNanoseconds() -> Int64 {
    clockNanoseconds(CLOCK_REALTIME)
}

/// A clock in nanoseconds that never goes back, the same in every process of this boot; for durations and timers.
package func monotonicNanoseconds() -> Int64 {
    clockNanoseconds(CLOCK_MONOTONIC)
}

private func clockNanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
