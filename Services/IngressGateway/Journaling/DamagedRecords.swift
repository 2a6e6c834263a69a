import Events
import Journal
import Wire

/// Records that the disk changed after they were journaled. The router would refuse them for their checksum for ever, and
/// everything behind them would wait; so each is replaced by a rejection that carries the damaged bytes into quarantine.
enum DamagedRecords {
    /// The batch with its damaged records replaced, and their sequences. Where not even the records' borders can be told,
    /// all are damaged, and the first replacement carries the bytes of all.
    static func replaced(
        in batch: SealedBatch, journal: JournalID, nowNanoseconds: Int64
    ) -> (batch: SealedBatch, damaged: [UInt64]) {
        var damaged: [UInt64] = []
        var writer = ByteWriter(reservingBytes: batch.frames.count)
        batch.frames.withUnsafeBytes { bytes in
            let records = records(in: bytes, count: batch.count) ?? wholeBatch(bytes, count: batch.count)
            for (sequence, record) in zip(batch.first..., records) {
                if isSound(record, journal: journal, sequence: sequence) {
                    writer.u32(UInt32(record.count))
                    writer.raw(record)
                } else {
                    damaged.append(sequence)
                    write(record, journal: journal, sequence: sequence, nowNanoseconds, to: &writer)
                }
            }
        }
        guard !damaged.isEmpty else { return (batch, []) }
        return (SealedBatch(first: batch.first, count: batch.count, frames: writer.bytes), damaged)
    }

    private static func records(in bytes: UnsafeRawBufferPointer, count: Int) -> [UnsafeRawBufferPointer]? {
        var records: [UnsafeRawBufferPointer] = []
        var reader = BatchReader(bytes)
        do throws(WireError) {
            while let record = try reader.next() { records.append(record) }
        } catch {
            return nil
        }
        return records.count == count ? records : nil
    }

    private static func wholeBatch(_ bytes: UnsafeRawBufferPointer, count: Int) -> [UnsafeRawBufferPointer] {
        [bytes] + Array(repeating: UnsafeRawBufferPointer(start: nil, count: 0), count: count - 1)
    }

    private static func isSound(_ record: UnsafeRawBufferPointer, journal: JournalID, sequence: UInt64) -> Bool {
        guard let envelope = try? EnvelopeView(record) else { return false }
        return envelope.isIntact && envelope.journal == journal && envelope.sequence == sequence
    }

    private static func write(
        _ record: UnsafeRawBufferPointer, journal: JournalID, sequence: UInt64, _ nowNanoseconds: Int64,
        to writer: inout ByteWriter
    ) {
        let start = writer.count
        Array("damaged".utf8).withUnsafeBytes { source in
            writer.openEnvelope(source: source, receivedAtNanoseconds: nowNanoseconds) { envelope in
                envelope.section(.requestHead) { $0.u16(0) }
                envelope.section(.body, record)
            }
        }
        writer.bytes.withUnsafeMutableBytes { bytes in
            EnvelopePatch.seal(
                UnsafeMutableRawBufferPointer(rebasing: bytes[(start + 4)...]), journal: journal, sequence: sequence)
        }
        Rejection(
            .envelopeDamaged, stage: .ingress,
            detail:
                "The journal's disk changed this webhook after it was accepted; the body is what is left of its envelope."
        ).write(to: &writer)
        writer.patchU32(UInt32(writer.count - start - 4), at: start)
    }
}
