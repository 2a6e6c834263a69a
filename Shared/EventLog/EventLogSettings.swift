import CommitLog

/// Where the event log lies and what bounds it. Every bound has a default that suits one machine.
package struct EventLogSettings: Sendable {
    /// The database file of the state; `-wal` and `-shm` files appear beside it, and the folder `log`.
    package var path: String
    /// The largest commit, in bytes of the log.
    package var recordBytes = 4 << 20
    /// The size of the log's files.
    package var segmentBytes = 8 << 20
    /// Events are dropped, whole rows at a time, once they are older …
    package var retentionSeconds: Int64 = 7 * 86_400
    /// … or once the log holds more than this.
    package var retentionBytes: Int64 = 8 << 30
    /// A repeated (source, id) is dropped within this time …
    package var dedupeWindowSeconds: Int64 = 86_400
    /// … and among this many latest events.
    package var dedupeIDs = 1_000_000
    /// The configured sources: each has a quarantine of its own, all others share one.
    package var quarantineSources: [String] = []
    /// Quarantined webhooks kept per source, of those that failed verification and of those refused after it each; the
    /// oldest go first.
    package var quarantinePerSource = 100_000
    /// Likewise their bytes, with what their rows cost.
    package var quarantineBytesPerSource: Int64 = 256 << 20
    /// The whole quarantine holds no more than this: no source gets more than an equal part of it.
    package var quarantineTotalBytes: Int64 = 4 << 30
    /// Quarantined webhooks are dropped once they have lain there for longer.
    package var quarantineAgeSeconds: Int64 = 7 * 86_400
    /// Attempts kept per subscription, the newest …
    package var attemptsPerSubscription = 10_000
    /// … and by all together: with many subscriptions each keeps an equal part.
    package var attemptsTotal = 1_000_000
    /// Dead letters kept per subscription; the oldest make room for later ones.
    package var deadLettersPerSubscription = 100_000
    /// Replay jobs kept that have ended.
    package var endedReplays = 1_000
    /// A commit that holds more events than this is split into rows of this many.
    package var eventsPerRow = 512
    /// Likewise for bytes.
    package var bytesPerRow = 1 << 20

    package init(path: String) {
        self.path = path
    }

    /// The folder of database and log.
    var folder: String {
        path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    }

    /// The folder of the commit log.
    package var logFolder: String { folder + "/log" }

    var logOptions: SegmentLog.Options {
        // Whole segments are given up, one follows, one is kept for a start.
        let segmentBytes = (segmentBytes + 65_535) & ~65_535
        let retained = Int(clamping: max(retentionBytes, 0)) / segmentBytes
        var options = SegmentLog.Options(
            segmentBytes: segmentBytes, mostSegments: retained + 5, recordBytes: recordBytes)
        options.zeroFills = false
        return options
    }
}
