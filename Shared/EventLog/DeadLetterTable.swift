import GRDB

/// The dead rows of the table `exception`.
enum DeadLetterTable {
    private static let columns = "position, last, reason, attempts, at, subscription"

    static func count(of subscription: String, _ db: Database) throws -> Int {
        try Int.fetchOne(
            db.cachedStatement(sql: "SELECT count(*) FROM exception WHERE subscription = ? AND state = 'dead'"),
            arguments: [subscription]) ?? 0
    }

    /// The same of every subscription that has a place in the log.
    static func rowCounts(_ db: Database) throws -> [String: Int] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT subscription, (SELECT count(*) FROM exception e
                    WHERE e.subscription = l.subscription AND e.state = 'dead') FROM lane l
                """)
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0], $0[1]) })
    }

    /// Drops the lowest positions of a subscription. Returns how many rows there were.
    static func dropOldest(_ rows: Int, of subscription: String, _ db: Database) throws -> Int {
        // The plus keeps the index by cause out, which has another order.
        try db.cachedStatement(
            sql: """
                DELETE FROM exception WHERE subscription = ?1 AND position IN (
                    SELECT position FROM exception WHERE subscription = ?1 AND +state = 'dead'
                    ORDER BY position LIMIT ?2)
                """
        ).execute(arguments: [subscription, rows])
        return db.changesCount
    }

    /// Of the next `rows` exceptions behind a place those that are dead letters of events below `position`, given up
    /// before `nanoseconds`; and where that look ended, nil at the end of the table.
    static func aged(
        before nanoseconds: Int64, below position: UInt64, after place: DeadLetterQuery.Place?, rows: Int,
        _ db: Database
    ) throws -> (doomed: [DeadLetterQuery.Place], end: DeadLetterQuery.Place?) {
        let found = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT subscription, position, last, state, at FROM exception
                    WHERE (subscription, position) > (?, ?) ORDER BY subscription, position LIMIT ?
                    """), arguments: [place?.subscription ?? "", Int64(bitPattern: place?.position ?? 0), rows])
        let doomed = found.filter { row in
            row[3] == LaneTables.State.dead.rawValue && UInt64(bitPattern: row[2] as Int64) < position
                && (row[4] as Int64) < nanoseconds
        }
        return (
            doomed.map(DeadLetterQuery.Place.init(row:)),
            found.count == rows ? found.last.map(DeadLetterQuery.Place.init(row:)) : nil
        )
    }

    static func delete(_ place: DeadLetterQuery.Place, _ db: Database) throws {
        try db.cachedStatement(
            sql: "DELETE FROM exception WHERE subscription = ? AND position = ? AND state = 'dead'"
        ).execute(arguments: [place.subscription, Int64(bitPattern: place.position)])
    }

    static func one(_ subscription: String, holding position: UInt64, _ db: Database) throws -> DeadLetter? {
        // The row that holds a position begins at or below it; rows do not overlap.
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT \(columns), state FROM exception WHERE subscription = ? AND position <= ?
                    ORDER BY position DESC LIMIT 1
                    """), arguments: [subscription, Int64(bitPattern: position)])
        guard let row, row[6] == LaneTables.State.dead.rawValue else { return nil }
        let letter = DeadLetter(row: row)
        return letter.last >= position ? letter : nil
    }

    static func page(_ query: DeadLetterQuery, _ db: Database) throws -> DeadLetterPage {
        var page = DeadLetterPage()
        let chosen = Condition(query.filter, isDead: "state = 'dead'")
        let scope = scope(query)
        // Rows that do not match are walked over here, so that they count as well.
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT \(columns), \(chosen.terms.joined(separator: " AND ")) FROM exception \(scope.sql)
                ORDER BY subscription, position
                """, arguments: chosen.arguments + scope.arguments)
        var visited = 0
        var last: DeadLetterQuery.Place?
        while let row = try rows.next() {
            guard page.letters.count < query.limit, visited < query.rowLimit else {
                page.next = last
                return page
            }
            visited += 1
            let place = DeadLetterQuery.Place(
                subscription: row[5], position: UInt64(bitPattern: row[0] as Int64))
            if row[6] as Bool { page.letters.append((place.subscription, DeadLetter(row: row))) }
            last = place
        }
        return page
    }

    /// The part of the primary key that a page may come from.
    private static func scope(_ query: DeadLetterQuery) -> Condition {
        var scope = Condition()
        guard let subscription = query.filter.subscription else {
            if let after = query.after {
                scope.add(
                    "(subscription, position) > (?, ?)",
                    values: [after.subscription, Int64(bitPattern: after.position)])
            }
            return scope
        }
        scope.add("subscription = ?", subscription)
        scope.add("position <= ?", query.filter.last.map { Int64(clamping: $0) })
        guard let after = query.after else { return scope }
        if after.subscription == subscription {
            scope.add("position > ?", Int64(bitPattern: after.position))
        } else if after.subscription > subscription {
            scope.add("0")
        }
        return scope
    }

    static func totals(_ filter: DeadLetterFilter, _ db: Database) throws -> [DeadLetterTotal] {
        let condition = Condition(filter, isDead: "state = 'dead'")
        return try Row.fetchAll(
            db,
            sql: """
                SELECT subscription, cause, sum(last - position + 1), min(at), max(at)
                FROM exception \(condition.sql) GROUP BY 1, 2 ORDER BY 1, 2
                """, arguments: condition.arguments
        ).map {
            DeadLetterTotal(
                subscription: $0[0], cause: $0[1], count: $0[2], oldestNanoseconds: $0[3], newestNanoseconds: $0[4])
        }
    }

    static func counts(_ db: Database) throws -> [String: Int] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT subscription, sum(last - position + 1) FROM exception WHERE state = 'dead' GROUP BY subscription
                """)
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0], $0[1]) })
    }

}

extension DeadLetterQuery.Place {
    /// Reads the columns subscription, position.
    fileprivate init(row: Row) {
        self.init(subscription: row[0], position: UInt64(bitPattern: row[1] as Int64))
    }
}

extension Condition {
    fileprivate init(_ filter: DeadLetterFilter, isDead: String) {
        self.init()
        add(isDead)
        add("subscription = ?", filter.subscription)
        add("cause", in: filter.causes)
        switch filter.fault {
        case .ours: add("cause", in: DeliveryFault.ourCauses)
        case .theirs: add("cause NOT", in: DeliveryFault.ourCauses)
        case nil: break
        }
        add("at >= ?", filter.since)
        add("at < ?", filter.until)
        add("last >= ?", filter.first.map { Int64(clamping: $0) })
        add("position <= ?", filter.last.map { Int64(clamping: $0) })
    }
}

extension DeadLetter {
    /// Reads the columns of `DeadLetterTable`.
    fileprivate init(row: Row) {
        self.init(
            first: UInt64(bitPattern: row[0] as Int64), last: UInt64(bitPattern: row[1] as Int64), reason: row[2],
            attempts: row[3], diedAtNanoseconds: row[4])
    }
}
