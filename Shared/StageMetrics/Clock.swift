import Glibc

/// The wall clock in nanoseconds since 1970, for receipt times and time stamps that people read. It may jump.
package func wallNanoseconds() -> Int64 {
    clockNanoseconds(CLOCK_REALTIME)
}

/// A clock in nanoseconds that never goes back, the same in every process of this boot; for durations and timers.
package func monotonicNanoseconds() -> Int64 {
    clockNanoseconds(CLOCK_MONOTONIC)
}

/// Nanoseconds since 1970 as the wall clock told them when this process first asked, carried on by the monotonic clock: for
/// ages of what bears a time stamp. It does not jump.
package func steadyNanoseconds() -> Int64 { monotonicNanoseconds() + wallAtMonotonicZero }

/// How far the wall clock was set forward since then; negative: back.
package func clockJumpNanoseconds() -> Int64 { wallNanoseconds() - steadyNanoseconds() }

private let wallAtMonotonicZero = wallNanoseconds() - monotonicNanoseconds()

private func clockNanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
