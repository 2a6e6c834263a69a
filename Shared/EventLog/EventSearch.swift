import Foundation
import GRDB
import Wire

/// A search through the log that reads only summaries until a row may hold what is wanted.
struct EventSearch {
    private let query: EventQuery
    private let names: [UInt64]

    init(_ query: EventQuery) {
        self.query = query
        names = [query.id, query.subject].compactMap { name in
            name.map { text in
                var text = text
                return text.withUTF8 { EventHash.bytes(UnsafeRawBufferPointer($0)) }
            }
        }
    }

    func run(_ db: Database) throws -> EventPage {
        var page = EventPage()
        let start = try Int64.fetchOne(
            db, sql: "SELECT max(first) FROM batch WHERE first <= ?", arguments: [Int64(bitPattern: query.after &+ 1)])
        let rows = try Row.fetchCursor(
            db, sql: "SELECT first, count, summary FROM batch WHERE first >= ? ORDER BY first",
            arguments: [start ?? 0])
        var visited = 0
        while let row = try rows.next() {
            let first = UInt64(bitPattern: row[0] as Int64)
            guard visited < query.rowLimit else {
                page.next = max(query.after, first - 1)
                return page
            }
            visited += 1
            let mayMatch = try (row[2] as Data).withUnsafeBytes { try mayHold(BatchSummary(stored: $0)) }
            guard mayMatch, let batch = try EventBatch.holding(first, in: db) else { continue }
            for position in batch.first...batch.last where position > query.after {
                guard batch.withRecord(at: position, matches) ?? false else { continue }
                page.matches.append((batch, position))
                if page.matches.count >= query.limit {
                    page.next = position
                    return page
                }
            }
        }
        return page
    }

    private func mayHold(_ summary: BatchSummary) -> Bool {
        if let source = query.source, !summary.sources.contains(source) { return false }
        if let type = query.type, !summary.types.contains(type) { return false }
        return names.allSatisfy { summary.mayName($0) }
    }

    private func matches(_ record: EventRecord) -> Bool {
        if let source = query.source, !record.source.elementsEqual(source.utf8) { return false }
        if let type = query.type, !Self.equal(record.attribute("type"), type) { return false }
        if let subject = query.subject, !Self.equal(record.attribute("subject"), subject) { return false }
        if let id = query.id, !Self.equal(record.attribute("id"), id) { return false }
        return true
    }

    private static func equal(_ bytes: UnsafeRawBufferPointer?, _ text: String) -> Bool {
        bytes?.elementsEqual(text.utf8) ?? false
    }
}
