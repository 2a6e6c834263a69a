import Events
import JSON
import LogSamples
import TapPrinting
import Testing
import Wire

@Suite struct TapPrinterTests {
    private static let payload = #"{"big":12345678901234567890,"call":{"id":"\#(String(repeating: "x", count: 90))"}}"#

    /// What `use` makes of a record with one event.
    private func withRecord<Result>(
        payload: String = payload, at role: StageRole = .normaliser, refusedAs code: RejectionCode? = nil,
        type: String = "dev.tributary.participant.joined", _ use: (TapRecord) -> Result
    ) throws -> Result {
        var bytes = Sample.envelope(sequence: 42, ids: ["id-1"], type: type, payload: payload)
        if let code {
            var writer = ByteWriter()
            Rejection(code, stage: .normaliser, element: 1, detail: "no object").write(to: &writer)
            bytes += writer.bytes
        }
        return try bytes.withUnsafeBytes {
            use(TapRecord(try EnvelopeView($0), at: TapOrigin(HelloNotice(role: role, instance: "\(role)-0"))))
        }
    }

    private func printed(
        _ form: TapPrinter.Form, payload: String = payload, refusedAs code: RejectionCode? = nil, type: String? = nil
    ) throws -> String {
        try withRecord(payload: payload, refusedAs: code, type: type ?? "dev.tributary.participant.joined") { record in
            var out = ByteWriter()
            printer(form).append(record, to: &out)
            return String(decoding: out.bytes, as: UTF8.self)
        }
    }

    private func printed(_ form: TapPrinter.Form, _ gap: TapGap) -> String {
        var out = ByteWriter()
        printer(form).append(gap, at: HelloNotice(role: .router, instance: "fanout-router-0"), to: &out)
        return String(decoding: out.bytes, as: UTF8.self)
    }

    private func printer(_ form: TapPrinter.Form) -> TapPrinter {
        TapPrinter(form: form, showsHeaders: false, showsPayload: true)
    }

    @Test func `a payload stands in the block as JSON that can be copied`() throws {
        let block = try printed(.block)
        let after = try #require(block.ranges(of: "      data\n").first).upperBound
        let end = try #require(block[after...].ranges(of: "\n    verifier-0").first).lowerBound
        let copied = String(block[after..<end])
        #expect(copied.contains("\n"))
        #expect(JSONValue.read(Array(copied.utf8)) == JSONValue.read(Array(Self.payload.utf8)))
    }

    @Test func `what is no JSON is escaped on one line`() throws {
        let block = try printed(.block, payload: "a=1\u{1B}[2J\nb")
        #expect(block.contains("    body a=1\\u001b[2J\\nb\n"))
    }

    @Test func `with --json data and body are objects, with all digits`() throws {
        let line = try printed(.json)
        #expect(line.count { $0 == "\n" } == 1)
        let value = try #require(JSONValue.read(Array(line.utf8)))
        #expect(value["events"].elements.first?["data"]["big"] == .number("12345678901234567890"))
        #expect(value["body"]["big"] == .number("12345678901234567890"))
        let text = try #require(JSONValue.read(Array(try printed(.json, payload: "a=1").utf8)))
        #expect(text["body"] == .string("a=1"))
    }

    @Test func `with --oneline a record is one line with its events and refusals`() throws {
        let line = try printed(.line, payload: "{\n  \"a\": 1\n}", refusedAs: .elementNotObject)
        #expect(
            line == """
                normaliser-0  stream #42  received 2026-09-21T14:13:20.000000Z  refused by normaliser: \
                element_not_object no object  participant.joined calls/default:1 id-1  data {"a":1}  body {"a":1}

                """)
    }

    @Test func `gaps are said to people and to programs`() {
        let gap = TapGap.missed(JournalID(high: 1, low: 2), first: 3, last: 5)
        let journal = JournalID(high: 1, low: 2).description
        #expect(
            printed(.block, gap)
                == "fanout-router-0  sequences 3 to 5 of journal \(journal) were not seen here\n")
        #expect(
            printed(.json, gap)
                == #"{"instance":"fanout-router-0","missed":{"journal":"\#(journal)","first":3,"last":5}}"# + "\n")
        #expect(
            printed(.json, .restarted) == #"{"instance":"fanout-router-0","restarted":true}"# + "\n")
    }

    @Test func `what was skipped is said with how much it was`() {
        #expect(printed(.line, .skipped(7)) == "fanout-router-0  skipped 7 records\n")
        #expect(printed(.json, .skipped(7)) == #"{"instance":"fanout-router-0","skipped":7}"# + "\n")
    }

    @Test func `the object of a record has all of it, in the same order`() throws {
        let line = try printed(.json, payload: "1", refusedAs: .elementNotObject)
        let journal = JournalID(high: 1, low: 2).description
        #expect(
            line == #"{"stage":"normaliser","instance":"normaliser-0","journal":"\#(journal)","sequence":42,"#
                + #""source":"stream","received_at":"2026-09-21T14:13:20.000000Z","flags":[],"resends":0,"intact":true,"#
                + #""verification":{"scheme":"stream","key_id":"k"},"rejections":[{"stage":"normaliser","#
                + #""code":"element_not_object","element":1,"detail":"no object"}],"events":[{"id":"id-1","#
                + #""source":"/sources/stream","type":"dev.tributary.participant.joined","subject":"calls/default:1","#
                + #""datacontenttype":"application/json","data":1}],"#
                + #""stamps":[{"stage":"verifier","instance":"verifier-0","started":"2026-09-21T14:13:20.000000Z","#
                + #""finished":"2026-09-21T14:13:20.000000Z"}],"body":1}"# + "\n")
    }

    @Test func `controls in attributes reach no terminal, in any form`() throws {
        for form in [TapPrinter.Form.block, .line, .json] {
            let text = try printed(form, type: "a\u{7F}b\"\u{9B}c\u{1B}")
            #expect(text.contains(#"a\u007fb\"\u009bc\u001b"#), "\(text)")
        }
    }

    @Test func `filters go by source, id, sequence, type and subject, and by what was refused`() throws {
        func passes(refused: Bool = false, _ set: (inout TapFilter) -> Void) throws -> Bool {
            var filter = TapFilter()
            set(&filter)
            return try withRecord(refusedAs: refused ? .elementNotObject : nil) { filter.passes($0) }
        }
        #expect(try passes { _ in })
        #expect(try passes { $0.source = Array("stream".utf8) })
        #expect(try !passes { $0.source = Array("strea".utf8) })
        #expect(try passes { $0.id = TapID("id-1") })
        #expect(try passes { $0.id = TapID("42") })
        #expect(try !passes { $0.id = TapID("id-2") })
        #expect(try passes { $0.type = WildcardPattern("participant.*") })
        #expect(try !passes { $0.type = WildcardPattern("recording.*") })
        #expect(try passes { $0.subject = WildcardPattern("calls/*") })
        #expect(try !passes { $0.subject = WildcardPattern("rooms/*") })
        #expect(try !passes { $0.isRejected = true })
        #expect(try passes(refused: true) { $0.isRejected = true })
    }
}
