import EventLog
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

/// Text in which `*` stands for any number of any characters.
struct WildcardPattern: Sendable {
    private let bytes: [UInt8]

    init(_ pattern: String) {
        bytes = Array(pattern.utf8)
    }

    /// Greedy matching with one point of return: time is the product of both lengths at worst, never exponential.
    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        let star = UInt8(ascii: "*")
        var at = 0
        var inText = 0
        var returnPattern = -1
        var returnText = 0
        while inText < text.count {
            if at < bytes.count, bytes[at] == star {
                returnPattern = at
                returnText = inText
                at += 1
            } else if at < bytes.count, bytes[at] == text[inText] {
                at += 1
                inText += 1
            } else if returnPattern >= 0 {
                returnText += 1
                inText = returnText
                at = returnPattern + 1
            } else {
                return false
            }
        }
        while at < bytes.count, bytes[at] == star { at += 1 }
        return at == bytes.count
    }
}
