/// Records one behind the other, each a length prefix and an envelope: a row of the journal, the body of a batch on the
/// bus, what the event log takes in. The one form in which records go from hop to hop.
///
/// Where each record lies is found once, when the batch is made; parts of a batch share its bytes. Whoever holds a
/// batch off a socket keeps the frame that it came in.
@usableFromInline package struct RecordBatch: Sendable {
    @usableFromInline var storage: Storage
    /// Which of the storage's records are this batch's.
    @usableFromInline var range: Range<Int>
    /// Sequence of the first record where the records are consecutive ones of one journal; 0 where they are not, and
    /// until the journal has given it.
    package private(set) var first: UInt64

    private init(_ storage: Storage, _ range: Range<Int>, first: UInt64) {
        self.storage = storage
        self.range = range
        self.first = first
    }

    /// Records just written with `ByteWriter.openEnvelope`; `ends` says where each ends in `bytes`.
    package init(written bytes: [UInt8], ends: [Int]) {
        precondition(ends.last ?? 0 == bytes.count, "the last record ends with the bytes")
        self.init(Storage(bytes, ends: ends), ends.indices, first: 0)
    }

    /// Consecutive records as a disk kept them. Where the borders of `count` records cannot be told any more, the first
    /// record has all the bytes, the others have none, and `isWhole` is false.
    package init(stored bytes: [UInt8], first: UInt64, count: Int) {
        let ends = bytes.withUnsafeBytes { Storage.ends(of: $0) }
        let storage =
            ends.count == count && ends.last ?? 0 == bytes.count
            ? Storage(bytes, ends: ends)
            : Storage(bytes, ends: Array(repeating: bytes.count, count: count), isWhole: false)
        self.init(storage, 0..<count, first: first)
    }

    /// Records that lie in memory which `owner` keeps unchanged for as long as it lives. What follows on the last whole
    /// record is no part of the batch.
    package init(arrived bytes: UnsafeRawBufferPointer, in owner: AnyObject) {
        let ends = Storage.ends(of: bytes)
        self.init(Storage(bytes, owner, ends: ends), ends.indices, first: 0)
    }

    /// Several batches as one, in memory of its own; a single one as it is.
    package init(joining pieces: [RecordBatch]) {
        if pieces.count == 1 {
            self = pieces[0]
            return
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pieces.reduce(0) { $0 + $1.byteCount })
        var ends: [Int] = []
        ends.reserveCapacity(pieces.reduce(0) { $0 + $1.count })
        for piece in pieces {
            let shift = bytes.count - piece.storage.start(of: piece.range.lowerBound)
            ends += piece.storage.ends[piece.range].lazy.map { $0 + shift }
            piece.withBytes { bytes.append(contentsOf: $0) }
        }
        self.init(written: bytes, ends: ends)
    }

    package var count: Int { range.count }
    @inlinable package var indices: Range<Int> { 0..<range.count }
    package var byteCount: Int { storage.start(of: range.upperBound) - storage.start(of: range.lowerBound) }
    /// How long each record is with its length prefix.
    package var byteCounts: [Int] { range.map { storage.ends[$0] - storage.start(of: $0) } }
    /// Whether the borders of the records are known.
    package var isWhole: Bool { storage.isWhole }
    /// The sequence after the last.
    package var end: UInt64 { first + UInt64(range.count) }
    /// The last sequence. A batch that has one holds a record.
    package var last: UInt64 { end - 1 }

    /// The journal that the header of the first record names; nil where there is none.
    package var journal: JournalID? {
        withHeader { header in
            JournalID(
                high: UInt64(
                    littleEndian: header.loadUnaligned(fromByteOffset: EnvelopeLayout.journalOffset, as: UInt64.self)),
                low: UInt64(
                    littleEndian: header.loadUnaligned(
                        fromByteOffset: EnvelopeLayout.journalOffset + 8, as: UInt64.self)))
        }
    }

    /// When the first record was received, as its header says: nanoseconds since 1970; nil where there is none.
    package var receivedAtNanoseconds: Int64? {
        withHeader {
            Int64(littleEndian: $0.loadUnaligned(fromByteOffset: EnvelopeLayout.receivedAtOffset, as: Int64.self))
        }
    }

    /// Lends the bytes of all records, length prefixes included.
    @inlinable package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withBytes(of: indices, body)
    }

    /// Lends the bytes of some records, length prefixes included.
    @inlinable package func withBytes<Result>(
        of records: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        let lower = storage.start(of: range.lowerBound + records.lowerBound)
        let upper = storage.start(of: range.lowerBound + records.upperBound)
        return try storage.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[lower..<upper])) }
    }

    /// Lends one record, without its length prefix.
    @inlinable package func withRecord<Result>(
        _ index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        let start = storage.start(of: range.lowerBound + index) + (storage.isWhole ? 4 : 0)
        let end = storage.ends[range.lowerBound + index]
        return try storage.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[start..<max(start, end)])) }
    }

    /// Some of the records, as a batch that shares the bytes.
    package subscript(records: Range<Int>) -> RecordBatch {
        let part = range.lowerBound + records.lowerBound..<range.lowerBound + records.upperBound
        precondition(records.lowerBound >= 0 && part.upperBound <= range.upperBound, "a part lies in its batch")
        return RecordBatch(storage, part, first: first == 0 ? 0 : first + UInt64(records.lowerBound))
    }

    /// One record of a batch that arrived, under the sequence that its header says.
    package func record(_ index: Int, sequence: UInt64) -> RecordBatch {
        var record = self[index..<index + 1]
        record.first = sequence
        return record
    }

    /// Joins `next` to the end, where it lies directly behind and follows in sequence; false where it does not.
    package mutating func extend(by next: RecordBatch) -> Bool {
        guard storage === next.storage, range.upperBound == next.range.lowerBound, end == next.first else {
            return false
        }
        range = range.lowerBound..<next.range.upperBound
        return true
    }

    /// The records from `sequence` on, at most `maxRecords` and (but for the first) `maxBytes`; nil where the batch has
    /// none of them.
    package func part(from sequence: UInt64, maxRecords: Int, maxBytes: Int) -> RecordBatch? {
        guard sequence < end, maxRecords > 0 else { return nil }
        let lower = sequence > first ? Int(sequence - first) : 0
        let start = storage.start(of: range.lowerBound + lower)
        var upper = lower + 1
        while upper < count, upper - lower < maxRecords, storage.ends[range.lowerBound + upper] - start <= maxBytes {
            upper += 1
        }
        return self[lower..<upper]
    }

    /// Gives every record its name on the bus and its checksum; in place where nobody else holds the bytes.
    package mutating func seal(journal: JournalID, first: UInt64) {
        precondition(storage.isWhole, "only whole records are sealed")
        if !isKnownUniquelyReferenced(&storage) || storage.isLent || range != storage.ends.indices {
            let start = storage.start(of: range.lowerBound)
            storage = Storage(withBytes { Array($0) }, ends: storage.ends[range].map { $0 - start })
            range = storage.ends.indices
        }
        storage.seal(journal: journal, first: first)
        self.first = first
    }

    private func withHeader<Result>(_ read: (UnsafeRawBufferPointer) -> Result) -> Result? {
        guard !range.isEmpty else { return nil }
        return withRecord(0) { $0.count >= EnvelopeLayout.sourceOffset ? read($0) : nil }
    }
}

extension RecordBatch: Equatable {
    @usableFromInline package static func == (left: RecordBatch, right: RecordBatch) -> Bool {
        left.first == right.first && left.byteCounts == right.byteCounts
            && left.withBytes { left in right.withBytes { left.elementsEqual($0) } }
    }
}

/// Bytes and the borders of the records in them.
///
/// `@unchecked Sendable`: changed only in `seal`, by a batch that shares it with nobody.
@usableFromInline final class Storage: @unchecked Sendable {
    @usableFromInline var memory: [UInt8]
    @usableFromInline let lent: UnsafeRawBufferPointer?
    @usableFromInline let owner: AnyObject?
    /// Where each record ends; the first begins at 0.
    @usableFromInline let ends: [Int]
    @usableFromInline let isWhole: Bool

    init(_ memory: [UInt8], ends: [Int], isWhole: Bool = true) {
        self.memory = memory
        self.ends = ends
        self.isWhole = isWhole
        (lent, owner) = (nil, nil)
    }

    init(_ lent: UnsafeRawBufferPointer, _ owner: AnyObject, ends: [Int]) {
        self.lent = lent
        self.owner = owner
        self.ends = ends
        memory = []
        isWhole = true
    }

    var isLent: Bool { lent != nil }

    @inlinable func start(of index: Int) -> Int { index == 0 ? 0 : ends[index - 1] }

    @inlinable func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        guard let lent else { return try memory.withUnsafeBytes(body) }
        defer { withExtendedLifetime(owner) {} }
        return try body(lent)
    }

    func seal(journal: JournalID, first: UInt64) {
        memory.withUnsafeMutableBytes { bytes in
            for index in ends.indices {
                EnvelopePatch.seal(
                    UnsafeMutableRawBufferPointer(rebasing: bytes[start(of: index) + 4..<ends[index]]),
                    journal: journal, sequence: first + UInt64(index))
            }
        }
    }

    /// Where each length-prefixed record ends, up to the last that is whole.
    static func ends(of bytes: UnsafeRawBufferPointer) -> [Int] {
        var ends: [Int] = []
        var reader = BatchReader(bytes)
        var end = 0
        while let record = try? reader.next() {
            end += 4 + record.count
            ends.append(end)
        }
        return ends
    }
}
