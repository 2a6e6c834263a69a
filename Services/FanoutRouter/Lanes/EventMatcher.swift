import EventLog
import Events
import StageRuntime

/// A subscription's filter, compiled once: every part that is given must match, of each list one pattern.
struct EventMatcher: Sendable {
    /// What every type on the wire begins with and no filter repeats.
    static let typePrefix = Array("dev.tributary.".utf8)

    private let types: [WildcardPattern]
    private let sources: [[UInt8]]
    private let subjects: [WildcardPattern]

    init(types: [String] = [], sources: [String] = [], subjects: [String] = []) {
        self.types = types.map { WildcardPattern($0) }
        self.sources = sources.map { Array($0.utf8) }
        self.subjects = subjects.map { WildcardPattern($0) }
    }

    init(_ filter: SubscriptionFilter) {
        self.init(types: filter.types, sources: filter.sources, subjects: filter.subjects)
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
        if !subjects.isEmpty {
            let subject = record.attribute("subject") ?? UnsafeRawBufferPointer(start: nil, count: 0)
            if !subjects.contains(where: { $0.matches(subject) }) { return false }
        }
        return true
    }
}

extension EventRecord {
    /// What keeps events in order: the partition key, else the subject, else the event itself.
    var partitionKey: [UInt8] {
        guard let key = attribute("partitionkey") ?? attribute("subject") ?? attribute("id") else { return [] }
        return Array(key)
    }
}
