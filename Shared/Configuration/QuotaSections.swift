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
