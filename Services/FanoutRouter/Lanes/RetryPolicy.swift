import StageRuntime

/// When a failed delivery is tried again, and when that is over. Pure: time and chance come from outside.
struct RetryPolicy: Sendable {
    /// Waits longer than this are not believed.
    static let longestRetryAfterSeconds = 86_400

    /// What follows from an attempt.
    enum Consequence: Sendable, Equatable {
        case delivered
        /// The next attempt is due then: nanoseconds since 1970.
        case again(due: Int64)
        /// Given up; `isFinal`: because the answer says that this event will never be taken.
        case dead(isFinal: Bool)
        /// The subscriber wants nothing more (410 under Standard Webhooks).
        case disable
    }

    /// The wait before each attempt in nanoseconds; the first belongs to the first attempt.
    private let waits: [Int64]
    private let repeatsLast: Bool
    private let hasJitter: Bool
    /// The time after the first attempt from which on no attempt begins or goes on.
    private let deadlineNanoseconds: Int64?
    private let networkAttempts: Int?
    private let finalStatuses: RetryConfiguration.FinalStatuses

    /// `holding`: how long an event may keep others of its key waiting; it is given up then, whatever the policy says.
    init(_ configuration: RetryConfiguration, holding: Duration? = nil) {
        waits = configuration.schedule.isEmpty ? [0] : configuration.schedule.map(\.asNanoseconds)
        repeatsLast = configuration.repeatsLast
        hasJitter = configuration.jitter
        deadlineNanoseconds = [configuration.deadline, holding].compactMap { $0?.asNanoseconds }.min()
        networkAttempts = configuration.networkAttempts
        finalStatuses = configuration.finalStatuses
    }

    /// What follows when the attempt with that number, counted from 1, came to `outcome`. Jitter adds up to a fifth to
    /// a wait, so that what failed together does not come back together; a `Retry-After` is never undercut.
    func consequence(
        of outcome: AttemptOutcome, attempt number: Int, now: Int64, firstAttempt: Int64, chance: Double
    ) -> Consequence {
        var retryAfterSeconds: Int?
        if case .answered(let status, let asked) = outcome {
            if (200..<300).contains(status) { return .delivered }
            if status == 410, finalStatuses == .goneDisables { return .disable }
            if isFinal(status) { return .dead(isFinal: true) }
            retryAfterSeconds = asked
        }
        guard number < mostAttempts(after: outcome) else { return .dead(isFinal: false) }
        var wait = waits[min(number, waits.count - 1)]
        if hasJitter { wait += Int64(Double(wait) * 0.2 * min(max(chance, 0), 1)) }
        if let retryAfterSeconds {
            let asked = min(max(0, retryAfterSeconds), Self.longestRetryAfterSeconds)
            wait = max(wait, Int64(asked) * 1_000_000_000)
        }
        if let deadlineNanoseconds, now + wait >= firstAttempt + deadlineNanoseconds {
            return .dead(isFinal: false)
        }
        return .again(due: now + wait)
    }

    /// How long an attempt that begins now may take: `timeout`, but not beyond the deadline of all.
    func timeout(_ timeoutNanoseconds: Int64, now: Int64, firstAttempt: Int64) -> Int64 {
        guard let deadlineNanoseconds else { return timeoutNanoseconds }
        // A delivery whose deadline passed while this process was down gets its one attempt all the same.
        return min(timeoutNanoseconds, max(firstAttempt + deadlineNanoseconds - now, 1_000_000))
    }

    private func mostAttempts(after outcome: AttemptOutcome) -> Int {
        let scheduled = repeatsLast ? Int.max : waits.count
        guard let networkAttempts, outcome.isNetworkError else { return scheduled }
        return min(networkAttempts, scheduled)
    }

    private func isFinal(_ status: Int) -> Bool {
        finalStatuses == .clientErrors && (300..<500).contains(status) && status != 408 && status != 429
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
