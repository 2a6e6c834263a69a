import Testing
import Wire

/// Golden bytes of the body of every notice on the bus: an older and a newer stage must understand one another.
struct GoldenNoticesTests {
    private static let journal = JournalID(high: 0x1122_3344_5566_7788, low: 0x99AA_BBCC_DDEE_FF00)
    private static let journalBytes = "88 77 66 55 44 33 22 11 00 ff ee dd cc bb aa 99 "

    /// `notice` is written as these bytes and read from them again.
    private func expect<Notice: Equatable>(
        _ notice: Notice, _ hexadecimal: String, write: (Notice, inout ByteWriter) -> Void,
        read: (UnsafeRawBufferPointer) throws -> Notice
    ) throws {
        let expected = GoldenBytesTests.bytes(hexadecimal)
        var writer = ByteWriter()
        write(notice, &writer)
        #expect(writer.bytes == expected)
        #expect(try expected.withUnsafeBytes { try read($0) } == notice)
        for count in expected.indices {
            #expect(throws: WireError.self, "cut after \(count) bytes") {
                try expected[..<count].withUnsafeBytes { try read($0) }
            }
        }
    }

    @Test func `a hello is these bytes`() throws {
        try expect(
            HelloNotice(role: .normaliser, instance: "normaliser-7"),
            "03 01 01 0c 6e 6f 72 6d 61 6c 69 73 65 72 2d 37", write: { $0.write(to: &$1) },
            read: { try HelloNotice(body: $0) })
    }

    @Test func `a credit is these bytes`() throws {
        try expect(
            CreditNotice(
                grantedThrough: 0x0102, receivedThrough: 0x0101, mostRecords: 512, mostBytes: 0x0010_0000,
                unfinished: [0x0100, 0x0101]),
            """
            02 01 00 00 00 00 00 00 01 01 00 00 00 00 00 00 00 02 00 00 00 00 10 00
            02 00 00 01 00 00 00 00 00 00 01 01 00 00 00 00 00 00
            """, write: { $0.write(to: &$1) }, read: { try CreditNotice(body: $0) })
    }

    @Test func `verdicts are these bytes`() throws {
        let notice = VerdictNotice(
            journal: Self.journal,
            entries: [
                .init(sequences: SequenceRange(7, 9), verdict: .accepted),
                .init(
                    sequences: SequenceRange(10, 10),
                    verdict: Verdict(httpStatus: 401, code: "signature_mismatch", reply: Array("no".utf8))),
            ])
        try expect(
            notice,
            Self.journalBytes
                + """
                07 00 00 00 00 00 00 00 09 00 00 00 00 00 00 00 ca 00 00 00 00
                0a 00 00 00 00 00 00 00 0a 00 00 00 00 00 00 00 91 01
                12 73 69 67 6e 61 74 75 72 65 5f 6d 69 73 6d 61 74 63 68 02 00 6e 6f
                """, write: { $0.write(to: &$1) }, read: { try VerdictNotice(body: $0, count: 2) })
    }

    @Test func `a settlement is these bytes`() throws {
        let notice = SettlementNotice(
            journal: Self.journal, watermark: 0x0A0B, held: [SequenceRange(0x0A0D, 0x0A0E)], laterCopies: 3)
        try expect(
            notice,
            Self.journalBytes
                + "0b 0a 00 00 00 00 00 00 01 00 00 00 0d 0a 00 00 00 00 00 00 0e 0a 00 00 00 00 00 00",
            write: { $0.write(to: &$1) }, read: { try SettlementNotice(body: $0, laterCopies: 3) })
    }

    @Test func `what a dead worker held is these bytes`() throws {
        let notice = LostNotice(
            deadRole: .verifier, wasAlone: true, journal: Self.journal, ranges: [SequenceRange(5, 6)])
        try expect(
            notice,
            "02 01 " + Self.journalBytes + "01 00 00 00 05 00 00 00 00 00 00 00 06 00 00 00 00 00 00 00",
            write: { $0.write(to: &$1) }, read: { try LostNotice(body: $0) })
    }

    @Test func `a window is these bytes`() throws {
        let notice = WindowNotice(
            journal: Self.journal, firstRetained: 0x21, lastSequence: 0x42, records: 16_384, bytes: 64 << 20)
        try expect(
            notice,
            Self.journalBytes + "21 00 00 00 00 00 00 00 42 00 00 00 00 00 00 00 00 40 00 00 00 00 00 04 00 00 00 00",
            write: { $0.write(to: &$1) }, read: { try WindowNotice(body: $0) })
    }

    @Test func `a refusal is these bytes`() throws {
        try expect(
            "full", "04 00 66 75 6c 6c", write: { $1.text16($0) },
            read: {
                var reader = ByteReader($0)
                return try reader.text16()
            })
    }

    /// A ping has no body, a tap's body is a hello's; what tells them apart is in the header.
    @Test(arguments: [
        (LinkKind.batch, "01"), (.hello, "02"), (.credit, "03"), (.verdicts, "04"), (.settlement, "05"), (.lost, "06"),
        (.window, "07"), (.refusal, "08"), (.ping, "09"), (.tap, "0a"),
    ])
    func `each kind has its number in the header`(_ kind: LinkKind, _ number: String) throws {
        try expect(
            LinkHeader(kind: kind, bootID: 1, number: 2, count: 3, bodyBytes: 4),
            "54 52 49 42 01 \(number) 00 00 01 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 03 00 00 00 04 00 00 00",
            write: { $0.write(to: &$1) }, read: { try LinkHeader($0) })
    }
}
