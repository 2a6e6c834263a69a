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

    /// Such as `500/s, 262144 bytes/s, burst 10s`.
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
    package var refused = QuotaConfiguration(requestsPerSecond: 500, bytesPerSecond: 256 << 10)

    package init() {}
}

extension ConfigurationDecoder {
    private static let quotaKeys = ["requests_per_second", "bytes_per_second", "burst"]

    /// The quotas of the ingress with defaults for everything that is left out.
    func decodeQuotas(_ ingress: Section) -> QuotasConfiguration {
        let section = part(ingress, "quotas", keys: ["per_source", "per_address", "refused"])
        var quotas = QuotasConfiguration()
        quotas.perSource = decodeQuota(section, "per_source", default: quotas.perSource)
        quotas.perAddress = decodeQuota(section, "per_address", default: quotas.perAddress)
        quotas.refused = decodeQuota(section, "refused", default: quotas.refused)
        return quotas
    }

    func decodeQuota(_ section: Section, _ key: String, default: QuotaConfiguration) -> QuotaConfiguration {
        let part = part(section, key, keys: Self.quotaKeys)
        return QuotaConfiguration(
            requestsPerSecond: part.integer(
                "requests_per_second", default: `default`.requestsPerSecond, in: 1...10_000_000),
            bytesPerSecond: part.integer(
                "bytes_per_second", default: `default`.bytesPerSecond, in: 1024...(1 << 40)),
            burst: part.duration(
                "burst", default: `default`.burst, in: Duration.milliseconds(100)...Duration.seconds(600)))
    }
}
