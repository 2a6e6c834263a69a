import CommitLog
import GRDB
import Wire

/// Reads events out of the commit log by position: the state knows which record holds one, and what it does not know yet
/// lies behind the record that was applied last. The one way to read events. Used by one thread.
final class EventReader {
    private let segments: SegmentReader
    /// The record that was read last: whoever reads on in small pieces mostly reads on in it.
    private var held: (number: UInt64, end: UInt64, batches: [EventBatch])?

    init(_ segments: SegmentReader) {
        self.segments = segments
    }

    /// Whole rows from the one that holds `position` on, until `maxBytes` are exceeded.
    func batches(from position: UInt64, maxBytes: Int, _ db: Database) throws -> [EventBatch] {
        var found: [EventBatch] = []
        var bytes = 0
        // Retention gives up rows one by one, the log whole segments.
        let oldest = max(position, try EventTimes.firstPosition(db))
        var number = try Self.number(holding: oldest, db)
        while bytes < maxBytes {
            if held?.number != number {
                guard let entry = try segments.read(from: number, maxBytes: 1).first else { break }
                switch entry {
                case .missing(_, let end):
                    number = end
                    continue
                case .record(let record):
                    held = (record.first, record.end, try FactRecord(record.content).rows.map(\.batch))
                }
            }
            guard let held else { break }
            for batch in held.batches where batch.last >= oldest && bytes < maxBytes {
                found.append(batch)
                bytes += batch.sizeBytes
            }
            number = held.end
        }
        return found
    }

    /// The row that holds `position`; nil where there is none.
    func batch(holding position: UInt64, _ db: Database) throws -> EventBatch? {
        let batch = try batches(from: position, maxBytes: 1, db).first
        return batch.flatMap { $0.first <= position && position <= $0.last ? $0 : nil }
    }

    /// A record at or before the one that holds `position`.
    private static func number(holding position: UInt64, _ db: Database) throws -> UInt64 {
        let state = try Row.fetchOne(db.cachedStatement(sql: "SELECT next_position, applied FROM state"))
        if let state, position >= UInt64(bitPattern: state[0] as Int64) {
            return UInt64(bitPattern: state[1] as Int64) + 1
        }
        let number = try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT number FROM batch WHERE first <= ? ORDER BY first DESC LIMIT 1"),
            arguments: [Int64(clamping: position)])
        return number.map { UInt64(bitPattern: $0) } ?? 1
    }
}
