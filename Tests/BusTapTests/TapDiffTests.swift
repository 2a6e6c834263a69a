import Events
import JSON
import LogSamples
import TapPrinting
import Testing
import Wire

@Suite struct TapDiffTests {
    private static let before = #"{"type":"joined","call":{"id":"1","token":"s3cret"},"list":[],"stream_key":"k-1"}"#
    private static let after = #"{"type":"joined","call":{"id":"1","token":"[redacted]"},"list":[],"by":"us"}"#

    /// A record whose body is `before` and whose one event has `after` as data.
    private func shown(
        _ form: TapPrinter.Form, before: String = before, after: String? = after,
        hidden: SecretFields? = SecretFields(), refusedAs code: RejectionCode? = nil
    ) throws -> String {
        var writer = ByteWriter()
        Array("stream".utf8).withUnsafeBytes { source in
            writer.openEnvelope(source: source, receivedAtNanoseconds: 1_790_000_000_000_000_000) { sections in
                sections.requestHead([("host", "gateway"), ("x-signature", "abc")])
                Array(before.utf8).withUnsafeBytes { sections.section(.body, $0) }
            }
        }
        let end = writer.count
        writer.bytes.withUnsafeMutableBytes { bytes in
            EnvelopePatch.seal(
                UnsafeMutableRawBufferPointer(rebasing: bytes[4..<end]), journal: JournalID(high: 1, low: 2),
                sequence: 42)
        }
        if let after {
            writer.section(.events) { section in
                section.u32(1)
                let start = section.count
                section.u32(0)
                section.u32(0)
                section.u8(2)
                for (name, value) in [("id", "id-1"), ("type", "dev.tributary.participant.joined")] {
                    section.u8(UInt8(name.utf8.count))
                    section.u16(UInt16(value.utf8.count))
                    section.raw(Array((name + value).utf8))
                }
                section.u8(1)
                section.u32(UInt32(after.utf8.count))
                section.raw(Array(after.utf8))
                section.patchU32(UInt32(section.count - start - 4), at: start)
            }
        }
        if let code { Rejection(code, stage: .verifier, detail: "no").write(to: &writer) }
        return try Array(writer.bytes.dropFirst(4)).withUnsafeBytes { bytes in
            let origin = TapOrigin(HelloNotice(role: .normaliser, instance: "normaliser-0"))
            var out = ByteWriter()
            TapPrinter(form: form, showsHeaders: true, showsPayload: false, hidden: hidden)
                .append(TapRecord(try EnvelopeView(bytes), at: origin), to: &out)
            return String(decoding: out.bytes, as: UTF8.self)
        }
    }

    private let plain = TapPrinter.Form.diff(DiffLayout(columns: nil, isColoured: false))

    @Test func `without a terminal it is like diff -u, and what is secret is hidden on both sides`() throws {
        #expect(
            try shown(plain) == #"""
                normaliser-0  stream #42  received 2026-09-21T14:13:20.000000Z
                - host: gateway
                - x-signature: (hidden)
                + id: id-1
                + type: dev.tributary.participant.joined
                  {
                    "type": "joined",
                    "call": {
                      "id": "1",
                -     "token": "(hidden)"
                +     "token": "[redacted]"
                    },
                    "list": [],
                -   "stream_key": "(hidden)"
                +   "by": "us"
                  }

                """#)
    }

    @Test func `on a terminal the two sides stand beside one another, cut at its width`() throws {
        let layout = DiffLayout(columns: 43, isColoured: false)
        let lines = try shown(.diff(layout)).split(separator: "\n").dropFirst()
        #expect(lines.allSatisfy { $0.count <= 43 }, "\(lines)")
        #expect(lines.contains(#"    "id": "1",             "id": "1","#), "\(lines)")
        #expect(lines.contains(#"    "token": "(hidde |     "token": "[redac"#), "\(lines)")
        #expect(lines.contains("                     > id: id-1"), "\(lines)")
    }

    @Test func `colours are there only when they are asked for`() throws {
        let coloured = try shown(.diff(DiffLayout(columns: 100, isColoured: true)))
        #expect(coloured.contains("\u{1B}[31m"))
        #expect(try !shown(.diff(DiffLayout(columns: 100, isColoured: false))).contains("\u{1B}"))
    }

    @Test func `secrets are shown on demand`() throws {
        let open = try shown(plain, hidden: nil)
        #expect(open.contains("s3cret") && open.contains("k-1") && open.contains("x-signature: abc"))
    }

    @Test func `what was refused, or is no JSON, is said`() throws {
        let refused = try shown(plain, before: "a=1", after: nil, refusedAs: .signatureMismatch)
        #expect(refused.contains("\n+ refused by verifier: signature_mismatch no\n- (3 bytes that are not JSON)\n"))
        #expect(try shown(plain, after: nil).isEmpty, "what was not normalised yet is not shown")
    }

    @Test func `for programs it is one object with body and data`() throws {
        let text = try shown(.diffJSON)
        #expect(text.count { $0 == "\n" } == 1)
        let value = try #require(JSONValue.read(Array(text.utf8)))
        #expect(value["body"]["call"]["token"] == .string("(hidden)"))
        #expect(value["events"].elements.first?["data"]["by"] == .string("us"))
    }

    @Test(arguments: [
        ("/call/id=1", true), ("/call/id=2", false), ("/call/id", true), ("/call/none", false), ("/list=[]", true),
        ("/by=us", true), ("/stream_key=k-1", true),
    ])
    func `conditions look into the body and into the data`(condition: String, isMet: Bool) throws {
        var filter = TapFilter()
        filter.conditions = [try #require(TapCondition(condition))]
        let payload = condition == "/by=us" ? Self.after : Self.before
        let bytes = Sample.envelope(sequence: 1, ids: ["id-1"], payload: payload)
        try bytes.withUnsafeBytes { bytes in
            let origin = TapOrigin(HelloNotice(role: .normaliser, instance: "normaliser-0"))
            let record = TapRecord(try EnvelopeView(bytes), at: origin)
            #expect(filter.passes(record) == isMet)
            filter.conditions.append(try #require(TapCondition("/type=left")))
            #expect(!filter.passes(record), "all must hold")
        }
    }

    @Test(arguments: ["call/id=1", "=1", "", "/a~3=1"]) func `what is no condition is none`(text: String) {
        #expect(TapCondition(text) == nil)
    }
}
