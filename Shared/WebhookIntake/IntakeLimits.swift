/// The limits of whoever takes webhooks in, beside those that the configuration sets.
package enum IntakeLimits {
    /// Webhooks that wait for the journal's thread, in all; beyond it nothing more is taken.
    package static let pendingBytes = 64 << 20
    /// Commits begin at least this long after one another.
    static let commitIntervalNanoseconds: Int64 = 1_500_000
    /// How long an orderly end waits for what is on its way.
    static let settlementNanoseconds: Int64 = 1_000_000_000
}
