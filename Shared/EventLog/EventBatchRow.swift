import Foundation
import GRDB

extension EventBatch {
    /// The row that holds `position`; nil where there is none.
    static func holding(_ position: UInt64, in db: Database) throws -> EventBatch? {
        let statement = try db.cachedStatement(
            sql: """
                SELECT b.first, b.taken_at, b.appended_at, e.events FROM batch b JOIN batch_events e USING (first)
                WHERE b.first <= ? ORDER BY b.first DESC LIMIT 1
                """)
        guard let row = try Row.fetchOne(statement, arguments: [Int64(bitPattern: position)]) else { return nil }
        let batch = try EventBatch(row: row)
        return batch.last >= position ? batch : nil
    }

    /// Reads the columns first, taken_at, appended_at, events.
    convenience init(row: Row) throws {
        try self.init(
            first: UInt64(bitPattern: row[0] as Int64), takenAtNanoseconds: row[1], appendedAtNanoseconds: row[2],
            records: Blob.bytes(row[3] as Data))
    }
}
