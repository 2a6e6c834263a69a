import JSON

/// What the configuration of a source says to its normaliser.
package struct MappingOptions: Sendable, Equatable {
    /// For elements without an id of the provider's: whether the id is the hash of the content, so that what the
    /// provider sends again is recognised; otherwise ids are generated and every element counts.
    package var idsFromContent: Bool
    /// Where a generic source's events have their attributes; nil for every other provider.
    package var pointers: PointerMapping?

    package init(idsFromContent: Bool = true, pointers: PointerMapping? = nil) {
        self.idsFromContent = idsFromContent
        self.pointers = pointers
    }
}

/// Where the attributes of a generic source's events lie in the body: JSON Pointers (RFC 6901), judged from the root
/// of each element.
package struct PointerMapping: Sendable, Equatable {
    /// Where the array of elements lies; nil: the body is one element. The empty pointer is the body itself.
    package var elements: String?
    /// The provider's type.
    package var type: String?
    package var id: String?
    package var time: String?
    package var timeUnit: TimeUnit
    /// Text with pointers in braces: `rooms/{/room/name}/participants/{/participant/identity}`. It ends before the
    /// first one that leads nowhere.
    package var subject: String?
    package var partitionKey: String?
    /// Provider's type to canonical type without prefix; whatever is not listed is `provider.unmapped`.
    package var types: [String: String]
    /// Values that no subscriber may see.
    package var redactions: [String]

    package init(
        elements: String? = nil, type: String? = nil, id: String? = nil, time: String? = nil,
        timeUnit: TimeUnit = .rfc3339, subject: String? = nil, partitionKey: String? = nil,
        types: [String: String] = [:], redactions: [String] = []
    ) {
        self.elements = elements
        self.type = type
        self.id = id
        self.time = time
        self.timeUnit = timeUnit
        self.subject = subject
        self.partitionKey = partitionKey
        self.types = types
        self.redactions = redactions
    }
}

/// How a provider writes a time.
package enum TimeUnit: String, Sendable, CaseIterable {
    /// RFC 3339 text.
    case rfc3339
    /// Time since 1970 as a number, also with a fraction, or as text that holds one.
    case seconds, milliseconds, nanoseconds
}
