/// Which refused webhooks are meant; absent parts match everything.
package struct QuarantineFilter: Sendable, Equatable {
    package var source: String?
    package var code: String?
    package var stage: String?
    /// Received at or after this time: nanoseconds since 1970.
    package var since: Int64?
    /// Received before this time.
    package var until: Int64?
    /// Only those that were sent on their way again, or only those that were not.
    package var isReplayed: Bool?
    /// Entries up to this id: what came later is left alone.
    package var through: Int64?

    package init() {}
}

/// A page of the quarantine.
package struct QuarantineQuery: Sendable {
    package var filter = QuarantineFilter()
    /// Go on behind this id, in the direction of the query; nil: from its beginning.
    package var after: Int64?
    /// Newest first instead of oldest first.
    package var isDescending = false
    package var limit = 100
    /// A query gives up its turn after so many entries, matching or not, and says where to go on.
    package var rowLimit = 20_000
    /// Head and body are read too, until they exceed so many bytes; nil: without them.
    package var contentBytes: Int?

    package init() {}
}

/// The answer to a `QuarantineQuery`.
package struct QuarantinePage: Sendable {
    package var webhooks: [QuarantinedWebhook] = []
    /// Pass as `after` to go on; nil at the end.
    package var next: Int64?
    /// The highest id in quarantine at this moment; 0 where it is empty.
    package var newest: Int64 = 0
}

/// What one source has in quarantine under one code.
package struct QuarantineTotal: Sendable, Equatable {
    package var source: String
    package var code: String
    package var webhooks: Int
    package var bytes: Int64
    /// Of these, how many were sent on their way again.
    package var replayed: Int
    /// When the first and the last of them were received: nanoseconds since 1970.
    package var firstReceivedNanoseconds: Int64
    package var lastReceivedNanoseconds: Int64
}

/// How full the quarantine of one source is.
package struct QuarantineUse: Sendable, Equatable {
    /// `other`: all sources that are not configured, together.
    package var source: String
    package var webhooks = 0
    package var bytes: Int64 = 0
    /// How full the fuller of its two halves is, from 0 to 1: in webhooks or bytes, whichever is nearer to its bound.
    package var fullness = 0.0
    /// Entries that made room for later ones since the log was opened.
    package var displaced = 0
}
