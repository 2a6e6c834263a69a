import GRDB

/// The named cursors of watchers, in the table `cursor`.
enum CursorTable {
    /// Most that are kept.
    static let most = 10_000

    static func position(_ name: String, _ db: Database) throws -> UInt64? {
        try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT position FROM cursor WHERE name = ?"), arguments: [name]
        ).map { UInt64(bitPattern: $0) }
    }

    static func write(_ cursors: [String: UInt64], atNanoseconds: Int64, _ db: Database) throws {
        for (name, position) in cursors {
            try db.cachedStatement(
                sql: """
                    INSERT INTO cursor VALUES (?, ?, ?)
                    ON CONFLICT (name) DO UPDATE SET position = excluded.position, updated = excluded.updated
                    """
            ).execute(arguments: [name, Int64(bitPattern: position), atNanoseconds])
        }
        try db.execute(
            sql: """
                DELETE FROM cursor WHERE name IN (
                    SELECT name FROM cursor ORDER BY updated DESC, name LIMIT -1 OFFSET ?)
                """, arguments: [most])
    }
}
