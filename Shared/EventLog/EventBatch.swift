package import Wire

/// One row of the log in memory: consecutive events with their positions. Shared by all lanes, never changed.
package final class EventBatch: Sendable {
    /// The position of the first event.
    package let first: UInt64
    /// When the router took the events up and when it wrote them, in nanoseconds since 1970.
    package let takenAtNanoseconds: Int64
    package let appendedAtNanoseconds: Int64
    private let bytes: [UInt8]
    private let starts: [Int32]

    /// Reads length-prefixed records; throws where they are damaged.
    package init(
        first: UInt64, takenAtNanoseconds: Int64, appendedAtNanoseconds: Int64, records: [UInt8]
    ) throws(WireError) {
        self.first = first
        self.takenAtNanoseconds = takenAtNanoseconds
        self.appendedAtNanoseconds = appendedAtNanoseconds
        bytes = Self.trimmed(records)
        var starts: [Int32] = []
        var offset = 0
        while offset < records.count {
            guard records.count - offset >= 4 else { throw .truncated }
            let length = records.withUnsafeBytes {
                Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            }
            guard length <= records.count - offset - 4 else { throw .truncated }
            starts.append(Int32(truncatingIfNeeded: offset + 4))
            offset += 4 + length
        }
        self.starts = starts
    }

    /// Length-prefixed records just written, each of which begins at one of `starts`, behind its prefix.
    init(
        first: UInt64, takenAtNanoseconds: Int64, appendedAtNanoseconds: Int64, records: [UInt8], starts: [Int]
    ) {
        self.first = first
        self.takenAtNanoseconds = takenAtNanoseconds
        self.appendedAtNanoseconds = appendedAtNanoseconds
        bytes = Self.trimmed(records)
        self.starts = starts.map { Int32(truncatingIfNeeded: $0) }
    }

    /// Batches live long and are many: what was reserved in vain is not kept.
    private static func trimmed(_ records: [UInt8]) -> [UInt8] {
        records.capacity > 2 * records.count ? records.withUnsafeBytes { Array($0) } : records
    }

    package var count: Int { starts.count }
    /// The position of the last event. A batch holds at least one.
    package var last: UInt64 { first + UInt64(starts.count) - 1 }
    package var sizeBytes: Int { bytes.count }
    /// What it takes in memory.
    package var memoryBytes: Int { bytes.capacity }

    /// Lends the bytes of all records, those that `withRecord` lends parts of.
    package func withBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        bytes.withUnsafeBytes(body)
    }

    /// Where in `withBytes` the part of a record lies that `withRecord` has lent.
    package func place(of part: UnsafeRawBufferPointer) -> Range<Int> {
        guard let start = part.baseAddress else { return 0..<0 }
        return bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, start >= base, start + part.count <= base + bytes.count else {
                preconditionFailure("a part of a record lies in its batch")
            }
            return (start - base)..<(start - base + part.count)
        }
    }

    /// Lends the record at `position`; nil where it lies outside the batch or is damaged.
    package func withRecord<Value>(at position: UInt64, _ body: (EventRecord) -> Value) -> Value? {
        guard position >= first, position <= last else { return nil }
        let index = Int(position - first)
        let start = Int(starts[index])
        let end = index + 1 < starts.count ? Int(starts[index + 1]) - 4 : bytes.count
        return bytes.withUnsafeBytes { all in
            guard let record = try? EventRecord(UnsafeRawBufferPointer(rebasing: all[start..<end])) else { return nil }
            return body(record)
        }
    }
}
