import EventLog
import Events
package import JSON
import Primitives

/// Which deliveries of a subscription are to be made again: the body of `POST /v1/replays` but for its rate. Everything
/// that is given must hold; of a list, one element.
package struct ReplaySelection: Sendable, Equatable {
    package enum Origin: String, Sendable, CaseIterable {
        /// What was given up; the subscription's present filter does not matter.
        case deadLetters = "dead-letters"
        /// What the subscription's present filter takes of the events that are kept, delivered before or not.
        case log
    }

    /// Most positions and ids, and most elements of any other list.
    package static let mostNames = 1000
    package static let mostPatterns = 100

    package var from: Origin
    var positions: [UInt64] = []
    var ids: [String] = []
    package var first: UInt64?
    package var last: UInt64?
    /// Nanoseconds since 1970: when an event was received or, of dead letters, when it was given up.
    package var since: Int64?
    package var until: Int64?
    /// With wildcards, as in filters; so are subjects and keys.
    var types: [String] = []
    var sources: [String] = []
    var subjects: [String] = []
    var keys: [String] = []
    /// Of dead letters only.
    var causes: [String] = []

    package init(from: Origin) {
        self.from = from
    }

    /// Reads the members that it knows. Throws `invalid` with a pointer at what is wrong.
    package init(_ body: JSONValue) throws(RouterError) {
        guard let from = Origin(rawValue: body["from"].text) else {
            throw Self.invalid("from", "expected dead-letters or log")
        }
        self.from = from
        for element in try Self.elements(body, "positions", most: Self.mostNames) {
            positions.append(try Self.position(element, "positions"))
        }
        ids = try Self.texts(body, "ids", most: Self.mostNames)
        if body["first"] != .null { first = try Self.position(body["first"], "first") }
        if body["last"] != .null { last = try Self.position(body["last"], "last") }
        since = try Self.time(body, "since")
        until = try Self.time(body, "until")
        types = try Self.texts(body, "types", most: Self.mostPatterns)
        sources = try Self.texts(body, "sources", most: Self.mostPatterns)
        subjects = try Self.texts(body, "subjects", most: Self.mostPatterns)
        keys = try Self.texts(body, "keys", most: Self.mostPatterns)
        causes = try Self.texts(body, "causes", most: Self.mostPatterns)
        if from == .log, !causes.isEmpty {
            throw Self.invalid("causes", "only dead letters have causes; with from log leave them out")
        }
    }

    /// What was given, as it is read.
    var json: JSONText {
        var members: [(String, JSONText)] = [("from", .string(from.rawValue))]
        if !positions.isEmpty { members.append(("positions", .array(positions.map { .number($0) }))) }
        if let first { members.append(("first", .number(first))) }
        if let last { members.append(("last", .number(last))) }
        if let since { members.append(("since", .string(RFC3339.text(since)))) }
        if let until { members.append(("until", .string(RFC3339.text(until)))) }
        let lists = [
            ("ids", ids), ("types", types), ("sources", sources), ("subjects", subjects), ("keys", keys),
            ("causes", causes),
        ]
        for (name, texts) in lists where !texts.isEmpty {
            members.append((name, .array(texts.map { .string($0) })))
        }
        return .object(members)
    }

    /// What is asked of the event itself; of dead letters the times are not the event's.
    var events: EventFilter {
        var filter = EventFilter()
        filter.sources = sources
        filter.types = types
        filter.subjects = subjects
        filter.keys = keys
        filter.ids = ids
        if from == .log {
            filter.since = since
            filter.until = until
        }
        return filter
    }

    /// The positions that are meant up to `end`, ascending and apart from one another.
    func ranges(through end: UInt64) -> [ClosedRange<UInt64>] {
        let (low, high) = (max(1, first ?? 1), min(end, last ?? end))
        guard low <= high else { return [] }
        if positions.isEmpty { return [low...high] }
        return Set(positions).filter { (low...high).contains($0) }.sorted().map { $0...$0 }
    }

    // MARK: Reading

    private static func elements(_ body: JSONValue, _ name: String, most: Int) throws(RouterError) -> [JSONValue] {
        switch body[name] {
        case .null: return []
        case .array(let elements) where !elements.isEmpty && elements.count <= most: return elements
        default: throw invalid(name, "expected a list of 1 to \(most) elements")
        }
    }

    private static func texts(_ body: JSONValue, _ name: String, most: Int) throws(RouterError) -> [String] {
        var texts: [String] = []
        for element in try elements(body, name, most: most) {
            guard case .string(let text) = element, !text.isEmpty else {
                throw invalid(name, "expected texts that are not empty")
            }
            texts.append(text)
        }
        return texts
    }

    private static func position(_ value: JSONValue, _ name: String) throws(RouterError) -> UInt64 {
        guard let number = value.integer, number > 0 else {
            throw invalid(name, "a position is a whole number from 1 on")
        }
        return UInt64(number)
    }

    private static func time(_ body: JSONValue, _ name: String) throws(RouterError) -> Int64? {
        guard body[name] != .null else { return nil }
        guard case .string(let text) = body[name], let nanoseconds = RFC3339.nanoseconds(text) else {
            throw invalid(name, "expected a time such as 2026-10-05T14:49:14Z")
        }
        return nanoseconds
    }

    private static func invalid(_ name: String, _ detail: String) -> RouterError {
        RouterError(
            .invalid, "the selection cannot be used: \(name): \(detail)",
            faults: [RouterError.Fault(pointer: "/\(name)", sentence: detail)])
    }
}
