import Primitives

/// How much may come in: requests and bytes per second, and for how long both may have been saved up.
package struct QuotaConfiguration: Sendable, Equatable {
    package let requestsPerSecond: Int
    package let bytesPerSecond: Int
    /// What was not used for so long may be used at once.
    package let burst: Duration

    package init(requestsPerSecond: Int, bytesPerSecond: Int, burst: Duration = .seconds(10)) {
        self.requestsPerSecond = requestsPerSecond
        self.bytesPerSecond = bytesPerSecond
        self.burst = burst
    }

    package var burstNanoseconds: Int64 { Int64(burst.inSeconds * 1e9) }
    /// The bytes that may come at once.
    package var burstBytes: Int { Int(Double(bytesPerSecond) * burst.inSeconds) }

    /// Such as `500/s, 65536 bytes/s, burst 10s`.
    package var text: String {
        "\(requestsPerSecond)/s, \(bytesPerSecond) bytes/s, burst \(DurationText.text(burst))"
    }
}

/// The ingress' quotas. The defaults of the first two are more than an ingress can do; they bound accidents.
package struct QuotasConfiguration: Sendable, Equatable {
    /// What each source may send; a source may have its own.
    package var perSource = QuotaConfiguration(requestsPerSecond: 50_000, bytesPerSecond: 256 << 20)
    /// What one client address may send to one source.
    package var perAddress = QuotaConfiguration(requestsPerSecond: 50_000, bytesPerSecond: 256 << 20)
    /// What one client address may send to one source that then fails verification.
    package var refused = QuotaConfiguration(requestsPerSecond: 500, bytesPerSecond: 64 << 10)

    package init() {}
}
