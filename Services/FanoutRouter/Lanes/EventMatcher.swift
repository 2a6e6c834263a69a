import EventLog
import Events
import StageRuntime

/// The part of a subscription's filter that looks at attributes, compiled once: every list that is given must match, of
/// each one pattern. `ContentMatcher` is the other part.
struct EventMatcher: Sendable {
    /// What every type on the wire begins with and no filter repeats.
    static let typePrefix = Array("dev.tributary.".utf8)

    private let types: [WildcardPattern]
    private let sources: [[UInt8]]
    private let providers: [[UInt8]]
    private let subjects: [WildcardPattern]
    private let keys: [WildcardPattern]

    init(
        types: [String] = [], sources: [String] = [], providers: [String] = [], subjects: [String] = [],
        keys: [String] = []
    ) {
        self.types = types.map { WildcardPattern($0) }
        self.sources = sources.map { Array($0.utf8) }
        self.providers = providers.map { Array($0.utf8) }
        self.subjects = subjects.map { WildcardPattern($0) }
        self.keys = keys.map { WildcardPattern($0) }
    }

    init(_ filter: SubscriptionFilter) {
        self.init(
            types: filter.types, sources: filter.sources, providers: filter.providers, subjects: filter.subjects,
            keys: filter.keys)
    }

    /// Whether the subscription takes that event.
    func matches(_ record: EventRecord) -> Bool {
        if !sources.isEmpty, !sources.contains(where: { record.source.elementsEqual($0) }) { return false }
        if !types.isEmpty {
            guard var type = record.attribute("type") else { return false }
            if type.starts(with: Self.typePrefix) {
                type = UnsafeRawBufferPointer(rebasing: type[Self.typePrefix.count...])
            }
            if !types.contains(where: { $0.matches(type) }) { return false }
        }
        if !providers.isEmpty {
            guard let provider = record.attribute("provider"), providers.contains(where: { provider.elementsEqual($0) })
            else { return false }
        }
        return subjects.match(record.attribute("subject")) && keys.match(record.attribute("partitionkey"))
    }
}

extension [WildcardPattern] {
    /// Whether one of them matches; an empty list takes everything. An attribute that is missing reads as empty.
    fileprivate func match(_ attribute: UnsafeRawBufferPointer?) -> Bool {
        if isEmpty { return true }
        let text = attribute ?? UnsafeRawBufferPointer(start: nil, count: 0)
        return contains { $0.matches(text) }
    }
}

extension EventRecord {
    /// What keeps events in order: the partition key, else the subject, else the event itself.
    var partitionKey: [UInt8] {
        guard let key = attribute("partitionkey") ?? attribute("subject") ?? attribute("id") else { return [] }
        return Array(key)
    }
}
