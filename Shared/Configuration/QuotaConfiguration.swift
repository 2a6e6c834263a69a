import Primitives

/// How much may come in: requests and bytes per second, and for how long both may have been saved up.
package struct QuotaConfiguration: Sendable, Equatable {
    package var requestsPerSecond: Int
    package var bytesPerSecond: Int
    /// What was not used for so long may be used at once.
    package var burst: Duration { didSet { burstNanoseconds = burst.nanoseconds } }
    package private(set) var burstNanoseconds: Int64

    package init(requestsPerSecond: Int, bytesPerSecond: Int, burst: Duration = .seconds(10)) {
        self.requestsPerSecond = requestsPerSecond
        self.bytesPerSecond = bytesPerSecond
        self.burst = burst
        burstNanoseconds = burst.nanoseconds
    }

    static let table = FieldTable<QuotaConfiguration>(
        { QuotaConfiguration(requestsPerSecond: 50_000, bytesPerSecond: 256 << 20) },
        [
            Field("requests_per_second", \.requestsPerSecond, .integer(1...10_000_000), "Requests in a second."),
            Field("bytes_per_second", \.bytesPerSecond, .integer(1024...(1 << 40)), "Bytes of bodies in a second."),
            Field(
                "burst", \.burst, .duration(.milliseconds(100) ... .seconds(600)),
                "What was not used for so long may be used at once."),
        ])

    /// The bytes that may come at once.
    package var burstBytes: Int { Int(Double(bytesPerSecond) * burst.inSeconds) }

    /// Such as `500/s, 65536 bytes/s, burst 10s`.
    package var text: String {
        "\(requestsPerSecond)/s, \(bytesPerSecond) bytes/s, burst \(DurationText.text(burst))"
    }
}

/// The ingress' quotas. The defaults of the first two are more than an ingress can do; they bound accidents.
package struct QuotasConfiguration: Sendable, Equatable {
    package var perSource = QuotaConfiguration(requestsPerSecond: 50_000, bytesPerSecond: 256 << 20)
    package var perAddress = QuotaConfiguration(requestsPerSecond: 50_000, bytesPerSecond: 256 << 20)
    package var refused = QuotaConfiguration(requestsPerSecond: 500, bytesPerSecond: 64 << 10)

    package init() {}

    static let table = FieldTable<QuotasConfiguration>(
        QuotasConfiguration.init,
        [
            Field("per_source", \.perSource, .quota, "What each source may send; a source may have its own."),
            Field(
                "per_address", \.perAddress, .quota, "What one client address (IPv6: one /64) may send to one source."),
            Field(
                "refused", \.refused, .quota,
                "What one client address may send to one source that then fails verification."),
        ])
}

extension FieldKind where V == QuotaConfiguration {
    /// Compared as a whole, and shown as a text.
    static let quota = FieldKind.object(QuotaConfiguration.table).shown { $0.text }
}
