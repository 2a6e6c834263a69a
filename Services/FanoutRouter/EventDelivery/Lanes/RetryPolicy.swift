import PipelineConfiguration
import Primitives

/// When a failed delivery is tried again, and when that is over. Pure: time and chance come from outside.
struct RetryPolicy: Sendable {
    /// A `Retry-After` of that length is obeyed by every policy, short as its own waits may be.
    static let obeyedNanoseconds: Int64 = 60_000_000_000

    /// What follows from an attempt.
    enum Consequence: Sendable, Equatable {
        case delivered
        /// The next attempt is due then. From the deadline on there is none: what is due then is given up.
        case again(due: Int64)
        /// A batch is too large for its destination: its halves are sent instead.
        case halve
        /// Given up; `isFinal`: because the answer says that this event will never be taken.
        case dead(isFinal: Bool)
        /// The destination wants nothing more.
        case disable
    }

    /// The wait before each attempt in nanoseconds; the first belongs to the first attempt.
    private let waits: [Int64]
    private let repeatsLast: Bool
    private let hasJitter: Bool
    /// The time after the first attempt at which a delivery is given up: no attempt begins then or later, and one that is
    /// under way is cut off.
    let deadlineNanoseconds: Int64?
    /// Whether attempts are made when they are due, within `concurrency` and `rate_limit`: no breaker, no budget and no
    /// lowered concurrency keeps them from it. True of all policies that promise times: Stream's, SuperViz' and own ones.
    let isPunctual: Bool
    /// What a `Retry-After` may ask for, and what anything waits at most: the longest wait of the schedule, a minute at
    /// least.
    let longestWaitNanoseconds: Int64
    private let networkAttempts: Int?
    private let finalAnswers: RetryConfiguration.FinalAnswers

    /// `holding`: how long an event may keep others of its key waiting; it is given up then, whatever the policy says.
    init(_ configuration: RetryConfiguration, holding: Duration? = nil) {
        waits = configuration.schedule.isEmpty ? [0] : configuration.schedule.map(\.nanoseconds)
        repeatsLast = configuration.repeatsLast
        hasJitter = configuration.jitter
        deadlineNanoseconds = [configuration.deadline, holding].compactMap { $0?.nanoseconds }.min()
        isPunctual = configuration.scheme != .standard
        longestWaitNanoseconds = max(waits.max() ?? 0, Self.obeyedNanoseconds)
        networkAttempts = configuration.networkAttempts
        finalAnswers = configuration.finalAnswers
    }

    /// What follows when the attempt with that number, counted from 1, came to `outcome`. Jitter adds up to a fifth to
    /// a wait, so that what failed together does not come back together. `events`: how many a batch has; nil: no batch.
    func consequence(
        of outcome: AttemptOutcome, attempt number: Int, now: Int64, firstAttempt: Int64,
        chance: @autoclosure () -> Double, batchOf events: Int? = nil
    ) -> Consequence {
        switch outcome.verdict {
        case .delivered: return .delivered
        case .tooLarge where events != nil: return events == 1 ? .dead(isFinal: true) : .halve
        case .gone where finalAnswers == .goneDisables: return .disable
        case .final, .tooLarge, .gone: if finalAnswers == .believed { return .dead(isFinal: true) }
        case .retry, .unreachable: break
        }
        let asked = Self.nanoseconds(seconds: outcome.retryAfterSeconds ?? 0)
        guard number < mostAttempts(after: outcome) else { return .dead(isFinal: false) }
        var wait = waits[min(number, waits.count - 1)]
        if hasJitter { wait += Int64(Double(wait) * 0.2 * min(max(chance(), 0), 1)) }
        wait = max(wait, min(asked, longestWaitNanoseconds))
        return .again(due: min(now + wait, Self.end(firstAttempt, deadlineNanoseconds)))
    }

    /// The wait before the first attempt.
    var firstWaitNanoseconds: Int64 { waits[0] }

    /// How long an attempt that begins now may take: `timeout`, but not beyond the deadline of all.
    func timeout(_ timeoutNanoseconds: Int64, now: Int64, firstAttempt: Int64) -> Int64 {
        min(timeoutNanoseconds, max(Self.end(firstAttempt, deadlineNanoseconds) - now, 1_000_000))
    }

    /// When a delivery with that first attempt is given up.
    static func end(_ firstAttempt: Int64, _ deadlineNanoseconds: Int64?) -> Int64 {
        guard let deadlineNanoseconds else { return .max }
        let (end, overflow) = firstAttempt.addingReportingOverflow(deadlineNanoseconds)
        return overflow ? .max : end
    }

    private static func nanoseconds(seconds: Int) -> Int64 {
        let (product, overflow) = Int64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : max(0, product)
    }

    private func mostAttempts(after outcome: AttemptOutcome) -> Int {
        let scheduled = repeatsLast ? Int.max : waits.count
        guard let networkAttempts, outcome.verdict == .unreachable else { return scheduled }
        return min(networkAttempts, scheduled)
    }
}
