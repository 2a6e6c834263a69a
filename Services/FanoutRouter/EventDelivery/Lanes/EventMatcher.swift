import EventLog
import Events
import PipelineConfiguration
import Providers

/// The part of a subscription's filter that looks at attributes, compiled once: every list that is given must match, of
/// each one pattern. `ContentMatcher` is the other part.
struct EventMatcher: Sendable {
    /// What every type on the wire begins with and no filter needs to say.
    static let typePrefix = Array(CanonicalTypeName.prefix.utf8)
    static let gatewayPrefix = Array(CanonicalVocabulary.ofGateway.utf8)

    /// The patterns of one attribute; none takes everything.
    private struct Patterns: Sendable {
        var compiled: [AttributePattern]
        /// As they were given, for people.
        var texts: [String]

        /// Words are compared as they are, a `*` included.
        init(_ texts: [String], areWords: Bool = false) {
            self.texts = texts
            compiled = texts.map { areWords ? .exactly(Array($0.utf8)) : AttributePattern($0) }
        }

        /// Types, with their prefix or without.
        init(types: [String]) {
            self.init(types)
            compiled = types.map { AttributePattern(CanonicalTypeName.short($0)) }
        }

        @inline(__always)
        func match(_ text: UnsafeRawBufferPointer) -> Bool {
            if compiled.isEmpty { return true }
            for pattern in compiled where pattern.matches(text) { return true }
            return false
        }
    }

    private let types: Patterns
    private let sources: Patterns
    private let providers: Patterns
    private let subjects: Patterns
    private let keys: Patterns
    /// Whether it takes everything but what the gateway itself says.
    let isOpen: Bool
    /// Whether it names a type of what the gateway itself says.
    private let namesGateway: Bool

    init(
        types: [String] = [], sources: [String] = [], providers: [String] = [], subjects: [String] = [],
        keys: [String] = []
    ) {
        self.types = Patterns(types: types)
        self.sources = Patterns(sources, areWords: true)
        self.providers = Patterns(providers, areWords: true)
        self.subjects = Patterns(subjects)
        self.keys = Patterns(keys)
        namesGateway = types.contains { CanonicalTypeName.short($0).hasPrefix(CanonicalVocabulary.ofGateway) }
        isOpen = [types, sources, providers, subjects, keys].allSatisfy(\.isEmpty)
    }

    init(_ filter: SubscriptionFilter) {
        self.init(
            types: filter.types, sources: filter.sources, providers: filter.providers, subjects: filter.subjects,
            keys: filter.keys)
    }

    /// Whether the subscription takes that event. An attribute that is missing reads as empty.
    @inline(__always)
    func matches(_ event: EventAttributes) -> Bool {
        sources.match(event.source) && types.match(event.type) && providers.match(event.provider)
            && subjects.match(event.subject) && keys.match(event.key) && (namesGateway || !event.isOfGateway)
    }

    func matches(_ record: EventRecord) -> Bool {
        matches(EventAttributes(record))
    }

    /// The first part that does not match; nil where all do.
    func mismatch(_ record: EventRecord) -> LaneExplanation.Mismatch? {
        let event = EventAttributes(record)
        let parts: [(LaneExplanation.Part, Patterns, UnsafeRawBufferPointer)] = [
            (.sources, sources, event.source), (.types, types, event.type), (.providers, providers, event.provider),
            (.subjects, subjects, event.subject), (.keys, keys, event.key),
        ]
        guard namesGateway || !event.isOfGateway else {
            return LaneExplanation.Mismatch(
                part: .types, expected: "\(CanonicalVocabulary.ofGateway)*, named as such",
                found: String(decoding: event.type, as: UTF8.self))
        }
        guard let (part, patterns, found) = parts.first(where: { !$0.1.match($0.2) }) else { return nil }
        return LaneExplanation.Mismatch(
            part: part, expected: patterns.texts.joined(separator: " or "),
            found: found.isEmpty ? "nothing" : String(decoding: found, as: UTF8.self))
    }
}

extension EventRecord {
    /// What keeps events in order: the partition key, else the subject, else the event itself.
    var partitionKey: [UInt8] {
        guard let key = attribute("partitionkey") ?? attribute("subject") ?? attribute("id") else { return [] }
        return Array(key)
    }
}
