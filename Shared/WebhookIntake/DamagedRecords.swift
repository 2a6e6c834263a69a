internal import Events
package import Wire

/// Records that the disk changed after they were journaled. The router would refuse them for their checksum for ever, and
/// everything behind them would wait; so each is replaced by a rejection that carries the damaged bytes into quarantine.
package enum DamagedRecords {
    /// The batch with its damaged records replaced, and their sequences. Where not even the records' borders can be told,
    /// all are damaged, and the first replacement carries the bytes of all.
    package static func replaced(
        in batch: RecordBatch, journal: JournalID, nowNanoseconds: Int64
    ) -> (batch: RecordBatch, damaged: [UInt64]) {
        let damaged = batch.indices.filter { index in
            !batch.withRecord(index) { isSound($0, journal: journal, sequence: batch.first + UInt64(index)) }
        }
        guard !damaged.isEmpty else { return (batch, []) }
        var writer = ByteWriter(reservingBytes: batch.byteCount)
        for index in batch.indices {
            if damaged.contains(index) {
                batch.withRecord(index) { record in
                    write(
                        record, journal: journal, sequence: batch.first + UInt64(index), nowNanoseconds, to: &writer)
                }
            } else {
                batch.withBytes(of: index..<index + 1) { writer.raw($0) }
            }
        }
        return (
            RecordBatch(stored: writer.bytes, first: batch.first, count: batch.count),
            damaged.map { batch.first + UInt64($0) }
        )
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
