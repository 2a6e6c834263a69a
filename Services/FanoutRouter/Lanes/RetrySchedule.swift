import StageRuntime

/// When a failed delivery is tried again. Pure: time and chance come from outside.
struct RetrySchedule: Sendable {
    /// Waits longer than this are not believed.
    static let longestRetryAfterSeconds = 86_400

    /// The wait before each attempt in nanoseconds; the first belongs to the first attempt.
    private let waits: [Int64]
    private let hasJitter: Bool
    /// The time after the first attempt from which on no attempt begins.
    private let deadlineNanoseconds: Int64?

    init(waits: [Duration], jitter: Bool, deadline: Duration? = nil) {
        self.waits = waits.isEmpty ? [0] : waits.map(\.asNanoseconds)
        hasJitter = jitter
        deadlineNanoseconds = deadline?.asNanoseconds
    }

    init(_ configuration: RetryConfiguration) {
        self.init(waits: configuration.schedule, jitter: configuration.jitter, deadline: configuration.deadline)
    }

    /// The wait before the very first attempt.
    var firstWaitNanoseconds: Int64 { waits[0] }

    /// When to try again after `attempts` attempts, or nil where that was the last. Jitter adds up to a fifth, so that
    /// what failed together does not come back together; a subscriber's `Retry-After` is never undercut.
    func nextDue(
        afterAttempts attempts: Int, now: Int64, firstAttempt: Int64, retryAfterSeconds: Int?, chance: Double
    ) -> Int64? {
        guard attempts < waits.count else { return nil }
        var wait = waits[max(0, attempts)]
        if hasJitter { wait += Int64(Double(wait) * 0.2 * min(max(chance, 0), 1)) }
        if let retryAfterSeconds {
            let asked = min(max(0, retryAfterSeconds), Self.longestRetryAfterSeconds)
            wait = max(wait, Int64(asked) * 1_000_000_000)
        }
        if let deadlineNanoseconds, now + wait > firstAttempt + deadlineNanoseconds { return nil }
        return now + wait
    }
}

extension Duration {
    /// Whole nanoseconds; what is beyond 292 years is cut.
    var asNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product + attoseconds / 1_000_000_000
    }
}
