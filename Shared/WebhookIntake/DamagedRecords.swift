internal import Events
package import Wire

/// Webhooks whose place in the journal the disk has damaged. Everything behind them would wait for ever, so each is replaced
/// by a rejection that goes into quarantine.
package enum DamagedRecords {
    /// What goes on the bus for `batch`, which is not whole.
    package static func replaced(_ batch: RecordBatch, journal: JournalID, nowNanoseconds: Int64) -> RecordBatch {
        var writer = ByteWriter()
        for index in batch.indices {
            write(journal: journal, sequence: batch.first + UInt64(index), nowNanoseconds, to: &writer)
        }
        return RecordBatch(stored: writer.bytes, first: batch.first, count: batch.count)
    }

    private static func write(
        journal: JournalID, sequence: UInt64, _ nowNanoseconds: Int64, to writer: inout ByteWriter
    ) {
        let start = writer.count
        Array("damaged".utf8).withUnsafeBytes { source in
            writer.openEnvelope(source: source, receivedAtNanoseconds: nowNanoseconds) { envelope in
                envelope.section(.requestHead) { $0.u16(0) }
                envelope.section(.body) { _ in }
            }
        }
        writer.bytes.withUnsafeMutableBytes { bytes in
            EnvelopePatch.seal(
                UnsafeMutableRawBufferPointer(rebasing: bytes[(start + 4)...]), journal: journal, sequence: sequence)
        }
        Rejection(
            .envelopeDamaged, stage: .ingress,
            detail: "The journal's disk damaged this webhook after it was accepted; nothing of it is left."
        ).write(to: &writer)
        writer.patchU32(UInt32(writer.count - start - 4), at: start)
    }
}
