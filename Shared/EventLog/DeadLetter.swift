/// A delivery, or a range of them, that was given up.
package struct DeadLetter: Sendable, Equatable {
    package var first: UInt64
    package var last: UInt64
    /// `expired`, or what the last attempt met: a stable word and, behind a colon, what it was about.
    package var reason: String
    package var attempts: Int
    package var diedAtNanoseconds: Int64

    package init(first: UInt64, last: UInt64, reason: String, attempts: Int, diedAtNanoseconds: Int64) {
        self.first = first
        self.last = last
        self.reason = reason
        self.attempts = attempts
        self.diedAtNanoseconds = diedAtNanoseconds
    }

    /// The stable word of the reason, such as `status 503`, `timeout` or `expired`.
    package var cause: String { String(reason.prefix { $0 != ":" }) }

    package var fault: DeliveryFault { DeliveryFault(cause: cause) }
}

/// Whose doing it is that an event was not delivered.
package enum DeliveryFault: String, Sendable, CaseIterable {
    /// The router's or its configuration's: retention, egress rules.
    case ours
    /// The subscriber's, or the network's on the way to it.
    case theirs

    /// The causes that are ours; all others are theirs.
    package static let ourCauses = ["expired", "address_refused"]

    package init(cause: String) {
        self = Self.ourCauses.contains(cause) ? .ours : .theirs
    }
}

/// Which dead letters are meant; absent parts match everything.
package struct DeadLetterFilter: Sendable, Equatable {
    package var subscription: String?
    /// Any of these causes; empty: all.
    package var causes: [String] = []
    package var fault: DeliveryFault?
    /// Given up at or after this time: nanoseconds since 1970.
    package var since: Int64?
    /// Given up before this time.
    package var until: Int64?
    /// Those that hold a position at or above this …
    package var first: UInt64?
    /// … and one at or below this.
    package var last: UInt64?

    package init() {}
}

/// A page of dead letters, by subscription and position.
package struct DeadLetterQuery: Sendable {
    /// Where a page ended.
    package struct Place: Sendable, Equatable {
        package var subscription: String
        package var position: UInt64

        package init(subscription: String, position: UInt64) {
            self.subscription = subscription
            self.position = position
        }
    }

    package var filter = DeadLetterFilter()
    /// Go on behind this place; nil: from the beginning.
    package var after: Place?
    package var limit = 100
    /// A query gives up its turn after so many rows, matching or not, and says where to go on.
    package var rowLimit = 20_000

    package init() {}
}

/// The answer to a `DeadLetterQuery`.
package struct DeadLetterPage: Sendable {
    package var letters: [(subscription: String, letter: DeadLetter)] = []
    /// Pass as `after` to go on; nil at the end.
    package var next: DeadLetterQuery.Place?
}

/// What one subscription has among its dead letters for one cause.
package struct DeadLetterTotal: Sendable, Equatable {
    package var subscription: String
    package var cause: String
    /// Events, not ranges.
    package var count: Int
    /// When the first and the last of them were given up: nanoseconds since 1970.
    package var oldestNanoseconds: Int64
    package var newestNanoseconds: Int64

    package var fault: DeliveryFault { DeliveryFault(cause: cause) }
}
