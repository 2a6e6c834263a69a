import Journal
import Wire

/// The contract in its plainest form: the model against which the real journal is held.
final class MemoryJournal: Journal {
    private(set) var id = JournalID.random()
    private(set) var nextSequence: UInt64 = 1
    private(set) var watermark: UInt64 = 0
    private var batches: [RecordBatch] = []
    private let budgetBytes: Int

    init(budgetBytes: Int) {
        self.budgetBytes = budgetBytes
    }

    var firstRetained: UInt64 { batches.first?.first ?? nextSequence }
    var retainedBytes: Int { batches.reduce(0) { $0 + $1.byteCount } }
    var hasSettledBatches: Bool { batches.first.map { $0.end - 1 <= watermark } ?? false }

    func append(_ batches: consuming [RecordBatch]) throws(JournalError) -> [RecordBatch] {
        let bytes = batches.reduce(0) { $0 + $1.byteCount }
        while retainedBytes + bytes > budgetBytes, hasSettledBatches { try tidy() }
        guard retainedBytes + bytes <= budgetBytes else { throw JournalError(.overBudget, "full") }
        var sealed: [RecordBatch] = []
        for batch in batches {
            sealed.append(reseal(batch))
        }
        self.batches += sealed
        return sealed
    }

    func settle(through sequence: UInt64) {
        if sequence > watermark, sequence < nextSequence { watermark = sequence }
    }

    func tidy() throws(JournalError) {
        if hasSettledBatches { batches.removeFirst() }
    }

    func read(from sequence: UInt64, maxRecords: Int, maxBytes: Int) throws(JournalError) -> [RecordBatch] {
        var found: [RecordBatch] = []
        var records = 0
        var bytes = 0
        for record in batches.flatMap(singles) where record.first >= sequence {
            guard records < maxRecords, found.isEmpty || bytes + record.byteCount <= maxBytes else { break }
            found.append(record)
            records += 1
            bytes += record.byteCount
        }
        return found
    }

    func renumber(newID: JournalID) throws(JournalError) {
        let unsettled = batches.flatMap(singles).filter { $0.first > watermark }
        id = newID
        nextSequence = 1
        watermark = 0
        batches = unsettled.map { reseal($0) }
    }

    /// Written out by hand, so that it is no echo of what it is held against.
    private func reseal(_ batch: RecordBatch) -> RecordBatch {
        var frames = batch.withBytes { Array($0) }
        let first = nextSequence
        var offset = 0
        while offset < frames.count {
            let length = Int(frames[offset]) | Int(frames[offset + 1]) << 8 | Int(frames[offset + 2]) << 16
            frames.withUnsafeMutableBytes { bytes in
                let envelope = UnsafeMutableRawBufferPointer(rebasing: bytes[(offset + 4)..<(offset + 4 + length)])
                EnvelopePatch.seal(envelope, journal: id, sequence: nextSequence)
            }
            nextSequence += 1
            offset += 4 + length
        }
        return RecordBatch(stored: frames, first: first, count: batch.count)
    }

    private func singles(_ batch: RecordBatch) -> [RecordBatch] { batch.indices.map { batch[$0..<$0 + 1] } }
}
