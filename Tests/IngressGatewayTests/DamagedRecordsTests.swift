import Events
import Testing
import WebhookIntake
import Wire

@testable import IngressGateway

struct DamagedRecordsTests {
    private let journal = JournalID(high: 1, low: 2)

    private func batch() -> RecordBatch {
        var writer = ByteWriter()
        for sequence in UInt64(7)...9 {
            let start = writer.count
            Array("stream".utf8).withUnsafeBytes { source in
                writer.openEnvelope(source: source, receivedAtNanoseconds: 5) { envelope in
                    envelope.section(.requestHead) { $0.u16(0) }
                    envelope.section(.body) { $0.raw(Array("{}".utf8)) }
                }
            }
            writer.bytes.withUnsafeMutableBytes { bytes in
                EnvelopePatch.seal(
                    UnsafeMutableRawBufferPointer(rebasing: bytes[(start + 4)...]), journal: journal,
                    sequence: sequence)
            }
        }
        return RecordBatch(stored: writer.bytes, first: 7, count: 3)
    }

    @Test func `a record that the disk changed becomes a rejection and the others stay as they are`() throws {
        let sound = batch()
        let recordBytes = sound.byteCount / 3
        for offset in (recordBytes + 4)..<(2 * recordBytes) where !(1...7).contains(offset - recordBytes - 4) {
            var frames = sound.withBytes { Array($0) }
            frames[offset] ^= 0x10
            let (mended, damaged) = DamagedRecords.replaced(
                in: RecordBatch(stored: frames, first: 7, count: 3), journal: journal, nowNanoseconds: 9)
            #expect(damaged == [8], "byte \(offset)")
            try mended.withBytes { bytes in
                var reader = BatchReader(bytes)
                var sequence: UInt64 = 7
                while let record = try reader.next() {
                    let envelope = try EnvelopeView(record)
                    #expect(envelope.isIntact && envelope.sequence == sequence)
                    #expect((envelope.section(.rejection) != nil) == (sequence == 8))
                    if sequence == 8 { #expect(envelope.section(.body)?.count == recordBytes - 4) }
                    sequence += 1
                }
                #expect(sequence == 10)
            }
        }
    }

    @Test func `a batch whose borders are lost goes into quarantine as a whole`() {
        var frames = batch().withBytes { Array($0) }
        frames[2] = 0xFF
        let (mended, damaged) = DamagedRecords.replaced(
            in: RecordBatch(stored: frames, first: 7, count: 3), journal: journal, nowNanoseconds: 9)
        #expect(damaged == [7, 8, 9])
        #expect(mended.count == 3 && mended.byteCount > frames.count)
    }

    @Test func `sound records are passed on as the very same bytes`() {
        let (same, damaged) = DamagedRecords.replaced(in: batch(), journal: journal, nowNanoseconds: 9)
        #expect(same == batch() && damaged.isEmpty)
    }
}
