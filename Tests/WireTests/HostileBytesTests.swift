import SeededRandom
import Testing
import Wire

/// Bytes from outside never trap.
struct HostileBytesTests {
    private func read(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { raw in
            if let view = try? EnvelopeView(raw) {
                _ = view.isIntact
                _ = view.source
                view.forEachSection { _, content in
                    RequestHead(content).forEachField { _, _ in true }
                    _ = try? StageStamp(content)
                    return true
                }
            }
            var batch = BatchReader(raw)
            while let next = try? batch.next() { _ = next.count }
            _ = try? LinkHeader(raw)
            _ = try? HelloNotice(body: raw)
            _ = try? CreditNotice(body: raw)
            _ = try? WindowNotice(body: raw)
            _ = try? SettlementNotice(body: raw)
            _ = try? LostNotice(body: raw)
            _ = try? VerdictNotice(body: raw, count: .max)
        }
    }

    @Test func `random bytes are refused and harm nothing`() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            read(
                (0..<Int.random(in: 0...160, using: &random)).map { _ in UInt8.random(in: 0 ... .max, using: &random) })
        }
    }

    @Test func `a good envelope with any byte changed, or cut anywhere, harms nothing`() {
        let good = GoldenBytesTests.bytes(GoldenBytesTests.envelope)
        for offset in good.indices {
            read(Array(good[..<offset]))
            for value in [UInt8(0), 1, 0x7F, 0x80, 0xFF] {
                var bad = good
                bad[offset] = value
                read(bad)
            }
        }
    }

    @Test func `notices survive the way there and back`() throws {
        let journal = JournalID.random()
        let settlement = SettlementNotice(
            journal: journal, watermark: 7, held: [SequenceRange(9, 12), SequenceRange(20, 20)])
        let lost = LostNotice(deadRole: .normaliser, wasAlone: true, journal: journal, ranges: [SequenceRange(1, 2)])
        let credit = CreditNotice(
            grantedThrough: 5, receivedThrough: 4, mostRecords: 256, mostBytes: 65_536, unfinished: [3, 4])
        var verdicts = VerdictNotice(journal: journal)
        for sequence in UInt64(1)...5 { verdicts.add(sequence, .accepted) }
        verdicts.add(6, Verdict(httpStatus: 401, code: "signature_mismatch", reply: [1, 2]))
        #expect(verdicts.entries.count == 2)
        var writer = ByteWriter()
        settlement.write(to: &writer)
        #expect(
            try writer.bytes.withUnsafeBytes { bytes throws(WireError) in try SettlementNotice(body: bytes) }
                == settlement)
        writer = ByteWriter()
        lost.write(to: &writer)
        #expect(try writer.bytes.withUnsafeBytes { bytes throws(WireError) in try LostNotice(body: bytes) } == lost)
        writer = ByteWriter()
        credit.write(to: &writer)
        #expect(try writer.bytes.withUnsafeBytes { bytes throws(WireError) in try CreditNotice(body: bytes) } == credit)
        writer = ByteWriter()
        verdicts.write(to: &writer)
        #expect(
            try writer.bytes.withUnsafeBytes { bytes throws(WireError) in try VerdictNotice(body: bytes, count: 2) }
                == verdicts)
    }

    @Test(arguments: [
        "+00000000000000a00000000000000b1", "00000000000000c1+0000000000000c1", "-000000000000000-000000000000000",
        "00000000000000C100000000000000C1", "00000000000000c100000000000000c", "00000000000000c1 0000000000000c1",
    ])
    func `a journal id has one spelling`(other: String) {
        #expect(JournalID(other) == nil)
        let id = JournalID(high: 0xC1, low: 0x1C)
        #expect(JournalID(id.description) == id)
    }
}
