/// Which events are meant; of each list that is not empty one element must match.
package struct EventFilter: Sendable, Equatable {
    /// Names of the configuration.
    package var sources: [String] = []
    package var providers: [String] = []
    /// CloudEvents types with `*` as wildcard; what every canonical type begins with may be left out.
    package var types: [String] = []
    /// With `*` as wildcard, as the partition keys.
    package var subjects: [String] = []
    package var keys: [String] = []
    package var ids: [String] = []
    /// Received at or after this time: nanoseconds since 1970.
    package var since: Int64?
    /// Received before this time.
    package var until: Int64?

    package init() {}
}

/// What to search for; absent parts match everything.
package struct EventQuery: Sendable {
    package var filter = EventFilter()
    /// Only events above this position.
    package var above: UInt64 = 0
    /// Only events below this position.
    package var below = UInt64.max
    /// Go on behind this position, in the direction of the query; nil: from its beginning.
    package var after: UInt64?
    /// Newest first instead of oldest first.
    package var isDescending = false
    package var limit = 100
    /// A search gives up its turn after this many rows, or this many bytes of events, and says where to go on.
    package var rowLimit = 20_000
    package var byteLimit = 16 << 20

    package init() {}
}

extension EventQuery {
    /// The source's name in the configuration.
    package var source: String? {
        get { filter.sources.first }
        set { filter.sources = newValue.map { [$0] } ?? [] }
    }

    package var provider: String? {
        get { filter.providers.first }
        set { filter.providers = newValue.map { [$0] } ?? [] }
    }

    /// The CloudEvents type, with `*` as wildcard and with or without what every canonical type begins with.
    package var type: String? {
        get { filter.types.first }
        set { filter.types = newValue.map { [$0] } ?? [] }
    }

    /// With `*` as wildcard, as the partition key.
    package var subject: String? {
        get { filter.subjects.first }
        set { filter.subjects = newValue.map { [$0] } ?? [] }
    }

    package var key: String? {
        get { filter.keys.first }
        set { filter.keys = newValue.map { [$0] } ?? [] }
    }

    package var id: String? {
        get { filter.ids.first }
        set { filter.ids = newValue.map { [$0] } ?? [] }
    }

    package var since: Int64? {
        get { filter.since }
        set { filter.since = newValue }
    }

    package var until: Int64? {
        get { filter.until }
        set { filter.until = newValue }
    }
}

/// The answer to a search.
package struct EventPage: Sendable {
    /// Batch and position of each match.
    package var matches: [(batch: EventBatch, position: UInt64)] = []
    /// Pass as `after` to go on; nil at the end of the log. There may be no matches and still more to search.
    package var next: UInt64?
}
