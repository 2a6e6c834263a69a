import Foundation
import GRDB

/// The table `subscription`, and what there is of a subscription in others.
enum SubscriptionTable {
    /// Where a subscription leaves rows besides its cursor, and what names one of them.
    private static let remains = [
        (table: "exception", key: "position"), (table: "attempt", key: "id"), (table: "replay", key: "id"),
    ]

    static func all(_ db: Database) throws -> [StoredSubscription] {
        try Row.fetchAll(
            db, sql: "SELECT name, document, secrets, revision, created, updated FROM subscription ORDER BY name"
        ).map { row in
            StoredSubscription(
                name: row[0], document: row[1], secrets: try SecretBlob.decoded(Blob.bytes(row[2] as Data)),
                revision: row[3], createdAtNanoseconds: row[4], updatedAtNanoseconds: row[5])
        }
    }

    static func write(_ subscription: StoredSubscription, _ db: Database) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO subscription VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                subscription.name, subscription.document, Blob.of(SecretBlob.encoded(subscription.secrets)),
                subscription.revision, subscription.createdAtNanoseconds, subscription.updatedAtNanoseconds,
            ])
    }

    /// Drops the subscription itself and its cursor.
    static func drop(_ name: String, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM subscription WHERE name = ?", arguments: [name])
        try db.execute(sql: "DELETE FROM lane WHERE subscription = ?", arguments: [name])
    }

    /// Drops at most `rows` of what else it left. Returns how many went: fewer than `rows` where nothing is left.
    static func dropRemains(of name: String, rows: Int, _ db: Database) throws -> Int {
        var dropped = 0
        for (table, key) in remains where dropped < rows {
            try db.execute(
                sql: """
                    DELETE FROM \(table) WHERE subscription = ?1 AND \(key) IN (
                        SELECT \(key) FROM \(table) WHERE subscription = ?1 LIMIT ?2)
                    """, arguments: [name, rows - dropped])
            dropped += db.changesCount
        }
        return dropped
    }

    /// Names above `name` that have left rows behind and have no cursor, the first of `names` looked at; and the last
    /// of these, nil where the tables end.
    static func orphans(above name: String, names: Int, _ db: Database) throws -> (found: [String], last: String?) {
        var found: [String] = []
        var last = name
        for _ in 0..<names {
            let next = try remains.compactMap { table, _ in
                try String.fetchOne(
                    db.cachedStatement(sql: "SELECT min(subscription) FROM \(table) WHERE subscription > ?"),
                    arguments: [last])
            }.min()
            guard let next else { return (found, nil) }
            last = next
            let hasLane = try Bool.fetchOne(
                db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM lane WHERE subscription = ?)"), arguments: [next])
            if hasLane == false { found.append(next) }
        }
        return (found, last)
    }
}
