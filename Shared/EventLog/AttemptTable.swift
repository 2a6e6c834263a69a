import Foundation
import GRDB

/// The statements of the table `attempt`.
enum AttemptTable {
    private static let columns = """
        subscription, position, number, started, duration, outcome, status, detail, answer, replay
        """

    static func insert(_ attempt: AttemptRecord, of subscription: String, _ db: Database) throws {
        try db.cachedStatement(sql: "INSERT INTO attempt (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .execute(arguments: [
                subscription, Int64(bitPattern: attempt.position), attempt.number, attempt.startedNanoseconds,
                attempt.durationNanoseconds, attempt.outcome, attempt.status, attempt.detail,
                attempt.answer.isEmpty ? nil : Blob.of(Array(attempt.answer.prefix(AttemptRecord.answerBytes))),
                attempt.replay,
            ])
    }

    static func count(of subscription: String, _ db: Database) throws -> Int {
        try Int.fetchOne(
            db.cachedStatement(sql: "SELECT count(*) FROM attempt WHERE subscription = ?"), arguments: [subscription])
            ?? 0
    }

    /// Drops the oldest attempts of a subscription. Returns how many there were.
    static func dropOldest(_ rows: Int, of subscription: String, _ db: Database) throws -> Int {
        try db.cachedStatement(
            sql: """
                DELETE FROM attempt WHERE id IN (
                    SELECT id FROM attempt WHERE subscription = ? ORDER BY id LIMIT ?)
                """
        ).execute(arguments: [subscription, rows])
        return db.changesCount
    }

    static func attempts(at position: UInt64, _ db: Database) throws -> [(String, AttemptRecord)] {
        try Row.fetchAll(
            db, sql: "SELECT id, \(columns) FROM attempt WHERE position = ? ORDER BY id",
            arguments: [Int64(bitPattern: position)]
        ).map { ($0[1], AttemptRecord(row: $0)) }
    }

    static func page(_ query: AttemptQuery, _ db: Database) throws -> AttemptPage {
        // One index serves each of these.
        var scope = Condition()
        if let position = query.position {
            scope.add("position = ?", Int64(bitPattern: position))
        } else {
            scope.add("subscription = ?", query.subscription)
        }
        scope.add("id < ?", query.before)
        // Rows that do not match are walked over here, so that they count as well.
        var chosen = Condition()
        chosen.add("1")
        if query.position != nil { chosen.add("subscription = ?", query.subscription) }
        chosen.add("outcome", in: query.outcomes)
        chosen.add("started >= ?", query.since)
        chosen.add("started < ?", query.until)
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT id, \(columns), \(chosen.terms.joined(separator: " AND ")) FROM attempt \(scope.sql)
                ORDER BY id DESC
                """, arguments: chosen.arguments + scope.arguments)
        var page = AttemptPage()
        var visited = 0
        var last: Int64?
        while let row = try rows.next() {
            guard page.attempts.count < query.limit, visited < query.rowLimit else {
                page.next = last
                return page
            }
            visited += 1
            if row[11] as Bool { page.attempts.append((row[1], AttemptRecord(row: row))) }
            last = row[0]
        }
        return page
    }
}

extension AttemptRecord {
    /// Reads the id and the columns of `AttemptTable`.
    fileprivate init(row: Row) {
        self.init(
            position: UInt64(bitPattern: row[2] as Int64), number: row[3], startedNanoseconds: row[4],
            durationNanoseconds: row[5], outcome: row[6], status: row[7], detail: row[8],
            answer: (row[9] as Data?).map(Blob.bytes) ?? [], replay: row[10])
    }
}
