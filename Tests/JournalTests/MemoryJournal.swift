import Journal
import Wire

/// The contract in its plainest form: the model against which the real journal is held.
final class MemoryJournal: Journal {
    private(set) var id = JournalID.random()
    private(set) var nextSequence: UInt64 = 1
    private(set) var watermark: UInt64 = 0
    private var batches: [SealedBatch] = []
    private let budgetBytes: Int

    init(budgetBytes: Int) {
        self.budgetBytes = budgetBytes
    }

    var firstRetained: UInt64 { batches.first?.first ?? nextSequence }
    var retainedBytes: Int { batches.reduce(0) { $0 + $1.frames.count } }
    var hasSettledBatches: Bool { batches.first.map { $0.end - 1 <= watermark } ?? false }

    func append(_ batches: consuming [OpenBatch]) throws(JournalError) -> [SealedBatch] {
        let bytes = batches.reduce(0) { $0 + $1.frames.count }
        while retainedBytes + bytes > budgetBytes, hasSettledBatches { try tidy() }
        guard retainedBytes + bytes <= budgetBytes else { throw JournalError(.overBudget, "full") }
        var sealed: [SealedBatch] = []
        for batch in batches {
            sealed.append(reseal(batch.frames, count: batch.count))
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

    func read(from sequence: UInt64, maxRecords: Int, maxBytes: Int) throws(JournalError) -> [SealedBatch] {
        var found: [SealedBatch] = []
        var records = 0
        var bytes = 0
        for record in batches.flatMap(singles) where record.first >= sequence {
            guard records < maxRecords, found.isEmpty || bytes + record.frames.count <= maxBytes else { break }
            found.append(record)
            records += 1
            bytes += record.frames.count
        }
        return found
    }

    func renumber(newID: JournalID) throws(JournalError) {
        let unsettled = batches.flatMap(singles).filter { $0.first > watermark }
        id = newID
        nextSequence = 1
        watermark = 0
        batches = unsettled.map { reseal($0.frames, count: 1) }
    }

    private func reseal(_ frames: [UInt8], count: Int) -> SealedBatch {
        var frames = frames
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
        return SealedBatch(first: first, count: count, frames: frames)
    }

    private func singles(_ batch: SealedBatch) -> [SealedBatch] {
        (batch.first..<batch.end).compactMap { try? batch.slice(from: $0, maxRecords: 1, maxBytes: .max) }
    }
}
