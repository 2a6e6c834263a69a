import Events
import Foundation
import GRDB
import Wire

/// A search through the log that reads only summaries until a row may hold what is wanted.
struct EventSearch {
    private let query: EventQuery
    private let filter: CompiledEventFilter

    private let events: EventReader

    init(_ query: EventQuery, _ events: EventReader) {
        (self.query, self.events) = (query, events)
        filter = CompiledEventFilter(query.filter)
    }

    func run(_ db: Database) throws -> EventPage {
        var page = EventPage()
        guard query.limit > 0, let rows = try rows(db) else { return page }
        let above = query.isDescending ? query.above : max(query.above, query.after ?? 0)
        let below = min(query.below, query.isDescending ? query.after ?? .max : .max)
        var visited = 0
        var bytes = 0
        while let row = try rows.next() {
            let first = UInt64(bitPattern: row[0] as Int64)
            let last = first + UInt64(row[1] as Int) - 1
            if query.isDescending ? last <= above : first >= below { break }
            guard visited < query.rowLimit, bytes < query.byteLimit else {
                page.next = query.isDescending ? min(below, last + 1) : max(above, first - 1)
                return page
            }
            visited += 1
            // Null where the row's times do not fit.
            guard let summary = row[2] as Data?, try summary.withUnsafeBytes({ try filter.mayHold(.init(stored: $0)) }),
                let batch = try events.batch(holding: first, db)
            else { continue }
            bytes += batch.sizeBytes
            let start = max(batch.first, above &+ 1)
            let positions = start..<max(start, min(batch.last + 1, below))
            for index in positions {
                let position = query.isDescending ? positions.upperBound - 1 - (index - start) : index
                guard batch.withRecord(at: position, filter.matches) ?? false else { continue }
                page.matches.append((batch, position))
                if page.matches.count >= query.limit {
                    page.next = position
                    return page
                }
            }
        }
        return page
    }

    /// The rows to look at, in order; nil where there can be none.
    private func rows(_ db: Database) throws -> RowCursor? {
        var start = Int64.min
        if let since = query.since {
            guard let first = try EventTimes.firstRow(since: since, db) else { return nil }
            start = first
        }
        let columns = "first, count, CASE WHEN latest >= ?1 AND earliest < ?2 THEN summary END"
        let times: StatementArguments = [query.since ?? .min, query.until ?? .max]
        if query.isDescending {
            return try Row.fetchCursor(
                db, sql: "SELECT \(columns) FROM batch WHERE first < ?3 AND first >= ?4 ORDER BY first DESC",
                arguments: times + [Int64(clamping: min(query.below, query.after ?? .max)), start])
        }
        let from = Int64(clamping: max(query.above, query.after ?? 0) &+ 1)
        let holding = try Int64.fetchOne(db, sql: "SELECT max(first) FROM batch WHERE first <= ?", arguments: [from])
        return try Row.fetchCursor(
            db, sql: "SELECT \(columns) FROM batch WHERE first >= ?3 ORDER BY first",
            arguments: times + [max(start, holding ?? 0)])
    }
}

/// An `EventFilter` made ready for many rows and events.
package struct CompiledEventFilter {
    /// What every canonical type begins with and no filter needs to say.
    private static let typePrefix = Array(CanonicalTypeName.prefix.utf8)

    private let filter: EventFilter
    private let sources: [[UInt8]]
    private let providers: [[UInt8]]
    private let types: [WildcardPattern]
    private let subjects: [WildcardPattern]
    private let keys: [WildcardPattern]
    private let ids: Set<[UInt8]>
    /// Of each list one hash must be in a row's summary; lists with wildcards are not among them.
    private let hashes: [[UInt64]]

    package init(_ filter: EventFilter) {
        self.filter = filter
        sources = filter.sources.map { Array($0.utf8) }
        providers = filter.providers.map { Array($0.utf8) }
        types = filter.types.map { WildcardPattern($0) }
        subjects = filter.subjects.map { WildcardPattern($0) }
        keys = filter.keys.map { WildcardPattern($0) }
        ids = Set(filter.ids.map { Array($0.utf8) })
        let named = [filter.ids, filter.subjects, filter.keys].enumerated().filter { index, names in
            !names.isEmpty && (index == 0 || !names.contains { $0.isEmpty || $0.utf8.contains(UInt8(ascii: "*")) })
        }
        hashes = named.map { _, names in
            names.map { name in Array(name.utf8).withUnsafeBytes { EventHash.bytes($0) } }
        }
    }

    /// Whether a row with that summary may hold a match.
    func mayHold(_ summary: BatchSummary) -> Bool {
        if !filter.sources.isEmpty, !filter.sources.contains(where: { summary.sources.contains($0) }) { return false }
        if !types.isEmpty, !summary.types.contains(where: { type in Array(type.utf8).withUnsafeBytes(isTyped) }) {
            return false
        }
        return hashes.allSatisfy { $0.contains { summary.mayName($0) } }
    }

    /// Whether an event is meant.
    package func matches(_ record: EventRecord) -> Bool {
        if let since = filter.since, record.receivedAtNanoseconds < since { return false }
        if let until = filter.until, record.receivedAtNanoseconds >= until { return false }
        if !sources.isEmpty, !sources.contains(where: { record.source.elementsEqual($0) }) { return false }
        if !types.isEmpty, !(record.attribute("type").map(isTyped) ?? false) { return false }
        if !providers.isEmpty {
            guard let provider = record.attribute("provider"), providers.contains(where: { provider.elementsEqual($0) })
            else { return false }
        }
        if !ids.isEmpty, !(record.attribute("id").map { ids.contains(Array($0)) } ?? false) { return false }
        return Self.isAmong(subjects, record.attribute("subject"))
            && Self.isAmong(keys, record.attribute("partitionkey"))
    }

    private func isTyped(_ type: UnsafeRawBufferPointer) -> Bool {
        let isCanonical = type.starts(with: Self.typePrefix)
        let rest = UnsafeRawBufferPointer(rebasing: type[(isCanonical ? Self.typePrefix.count : 0)...])
        return types.contains { $0.matches(rest) || (isCanonical && $0.matches(type)) }
    }

    /// A missing attribute reads as empty.
    private static func isAmong(_ patterns: [WildcardPattern], _ attribute: UnsafeRawBufferPointer?) -> Bool {
        if patterns.isEmpty { return true }
        let text = attribute ?? UnsafeRawBufferPointer(start: nil, count: 0)
        return patterns.contains { $0.matches(text) }
    }
}
