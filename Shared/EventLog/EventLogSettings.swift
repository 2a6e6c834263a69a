/// Where the event log lies and what bounds it. Every bound has a default that suits one machine.
package struct EventLogSettings: Sendable {
    /// The database file; `-wal` and `-shm` files appear beside it.
    package var path: String
    /// Events are dropped, whole rows at a time, once they are older …
    package var retentionSeconds: Int64 = 7 * 86_400
    /// … or once the log holds more than this.
    package var retentionBytes: Int64 = 8 << 30
    /// A repeated (source, id) is dropped within this time …
    package var dedupeWindowSeconds: Int64 = 86_400
    /// … and among this many latest events.
    package var dedupeIDs = 1_000_000
    /// Quarantined webhooks kept per source; the oldest go first.
    package var quarantinePerSource = 10_000
    /// Bytes of quarantined webhooks kept per source.
    package var quarantineBytesPerSource: Int64 = 256 << 20
    /// Attempts kept per subscription.
    package var attemptsPerSubscription = 10_000
    /// A commit that holds more events than this is split into rows of this many.
    package var eventsPerRow = 512
    /// Likewise for bytes.
    package var bytesPerRow = 1 << 20

    package init(path: String) {
        self.path = path
    }
}
