import Testing
import Wire

/// Golden bytes of every released version: what they say must be read from them for ever. The same bytes are read by
/// `read_wire.py` from the document alone.
struct GoldenBytesTests {
    static let envelope = """
        01 05 02 00 7f 04 4a 08 55 00 00 00 06 00 00 00
        88 77 66 55 44 33 22 11 00 ff ee dd cc bb aa 99
        2a 00 00 00 00 00 00 00 15 cd 5b 07 00 00 00 00
        73 74 72 65 61 6d
        01 00 00 00 0d 00 00 00 01 00 04 00 03 00 68 6f 73 74 61 62 63
        02 00 00 00 02 00 00 00 7b 7d
        """

    static func bytes(_ hexadecimal: String) -> [UInt8] {
        hexadecimal.split(whereSeparator: \.isWhitespace).compactMap { UInt8($0, radix: 16) }
    }

    private func golden() -> [UInt8] {
        var writer = ByteWriter()
        Array("stream".utf8).withUnsafeBytes { source in
            writer.openEnvelope(source: source, receivedAtNanoseconds: 123_456_789) { envelope in
                envelope.section(.requestHead) { head in
                    head.u16(1)
                    head.u16(4)
                    head.u16(3)
                    head.raw(Array("hostabc".utf8))
                }
                envelope.section(.body) { $0.raw(Array("{}".utf8)) }
            }
        }
        writer.bytes.withUnsafeMutableBytes { bytes in
            let envelope = UnsafeMutableRawBufferPointer(rebasing: bytes[4...])
            EnvelopePatch.seal(
                envelope, journal: JournalID(high: 0x1122_3344_5566_7788, low: 0x99AA_BBCC_DDEE_FF00), sequence: 42)
            EnvelopePatch.mark(envelope, flags: [.resent, .tombstone], resends: 2)
        }
        return writer.bytes
    }

    @Test func `an envelope of version 1 is these bytes`() {
        let bytes = golden()
        let expected = Self.bytes(Self.envelope)
        #expect(bytes[0] == UInt8(expected.count))
        #expect(Array(bytes[4...]) == expected)
    }

    @Test func `version 1 is read from its golden bytes`() throws {
        try Self.bytes(Self.envelope).withUnsafeBytes { bytes in
            let view = try EnvelopeView(bytes)
            #expect(view.isIntact)
            #expect(view.journal.description == "112233445566778899aabbccddeeff00")
            #expect(view.sequence == 42)
            #expect(view.receivedAtNanoseconds == 123_456_789)
            #expect(view.source == "stream")
            #expect(view.flags == [.resent, .tombstone])
            #expect(view.resends == 2)
            #expect(view.section(.body).map { Array($0) } == Array("{}".utf8))
            let head = try #require(view.section(.requestHead))
            #expect(RequestHead(head).value("host").map { Array($0) } == Array("abc".utf8))
        }
    }

    @Test func `sections that a later version adds are skipped and carried on`() throws {
        var writer = ByteWriter()
        writer.raw(Self.bytes(Self.envelope))
        writer.section(SectionTag(rawValue: 999)) { $0.u64(1) }
        writer.section(.rejection) { $0.u8(1) }
        try writer.bytes.withUnsafeBytes { bytes in
            let view = try EnvelopeView(bytes)
            #expect(view.isIntact, "the checksum covers what the ingress wrote, not what came after")
            #expect(view.section(.rejection)?.count == 1)
        }
    }

    @Test func `every changed byte of what the ingress wrote is noticed`() {
        let good = Self.bytes(Self.envelope)
        for offset in 8..<good.count {
            var bad = good
            bad[offset] ^= 0x40
            let isIntact = bad.withUnsafeBytes { (try? EnvelopeView($0))?.isIntact ?? false }
            #expect(!isIntact, "byte \(offset)")
        }
    }

    @Test func `a link header is these bytes`() throws {
        var writer = ByteWriter()
        LinkHeader(kind: .batch, bootID: 0x0102_0304_0506_0708, number: 9, count: 3, bodyBytes: 300).write(to: &writer)
        let expected = Self.bytes(
            "54 52 49 42 01 01 00 00 08 07 06 05 04 03 02 01 09 00 00 00 00 00 00 00 03 00 00 00 2c 01 00 00")
        #expect(writer.bytes == expected)
        let header = try expected.withUnsafeBytes { bytes throws(WireError) in try LinkHeader(bytes) }
        #expect(header.kind == .batch && header.number == 9 && header.count == 3 && header.bodyBytes == 300)
    }
}
