import PipelineConfiguration

/// How far a rate is used up, kept as one time (the generic cell rate algorithm, ITU-T I.371): all that was taken is paid
/// for, at the rate, by `paidUntil`. Whoever comes while less than a burst is owed may take as much as it wants, so that
/// nothing is too large for ever; the next one waits for longer.
struct Pace: Sendable {
    /// On the monotonic clock.
    private var paidUntil: Int64 = 0

    /// However much was taken, after so long there is room again.
    static let longestDebtNanoseconds: Int64 = 60_000_000_000

    /// Nanoseconds until there is room; 0 where there is.
    func wait(_ quota: QuotaConfiguration, at now: Int64) -> Int64 {
        max(0, paidUntil - now - quota.burstNanoseconds + 1)
    }

    mutating func take(_ amount: Int, perSecond: Int, _ quota: QuotaConfiguration, at now: Int64) {
        let cost = Int64(Double(amount) / Double(perSecond) * 1e9)
        let latest = now + quota.burstNanoseconds + Self.longestDebtNanoseconds - 1
        paidUntil = min(max(paidUntil, now) + cost, latest)
    }
}

/// Requests and bytes of one quota.
struct QuotaUse: Sendable {
    private var requests = Pace()
    private var bytes = Pace()

    /// Nanoseconds until a request may come; 0 where it may. `hasBytes`: whether its bytes count.
    func wait(_ quota: QuotaConfiguration, hasBytes: Bool, at now: Int64) -> Int64 {
        max(requests.wait(quota, at: now), hasBytes ? bytes.wait(quota, at: now) : 0)
    }

    mutating func take(_ bytes: Int, _ quota: QuotaConfiguration, at now: Int64) {
        requests.take(1, perSecond: quota.requestsPerSecond, quota, at: now)
        self.bytes.take(bytes, perSecond: quota.bytesPerSecond, quota, at: now)
    }
}
