import Events
import Executable
import JSON
import LogSamples
import Testing
import Wire

@testable import BusTap

@Suite struct TapPrinterTests {
    private static let payload = #"{"big":12345678901234567890,"call":{"id":"\#(String(repeating: "x", count: 90))"}}"#

    private func record(
        payload: String = payload, at role: StageRole = .normaliser, refusedAs code: RejectionCode? = nil
    ) throws -> TapRecord {
        var bytes = Sample.envelope(sequence: 42, ids: ["id-1"], payload: payload)
        if let code {
            var writer = ByteWriter()
            Rejection(code, stage: .normaliser, element: 1, detail: "no object").write(to: &writer)
            bytes += writer.bytes
        }
        return try bytes.withUnsafeBytes {
            TapRecord(try EnvelopeView($0), at: HelloNotice(role: role, instance: "\(role)-0"))
        }
    }

    private func printer(_ form: TapPrinter.Form) -> TapPrinter {
        TapPrinter(form: form, showsHeaders: false, showsPayload: true)
    }

    @Test func `a payload stands in the block as JSON that can be copied`() throws {
        let block = printer(.block).record(try record())
        let after = try #require(block.ranges(of: "      data\n").first).upperBound
        let end = try #require(block[after...].ranges(of: "\n    verifier-0").first).lowerBound
        let copied = String(block[after..<end])
        #expect(copied.contains("\n"))
        #expect(JSONValue.read(Array(copied.utf8)) == JSONValue.read(Array(Self.payload.utf8)))
    }

    @Test func `what is no JSON is escaped on one line`() throws {
        let block = printer(.block).record(try record(payload: "a=1\u{1B}[2J\nb"))
        #expect(block.contains("    body a=1\\u001b[2J\\nb\n"))
    }

    @Test func `with --json data and body are objects, with all digits`() throws {
        let line = printer(.json).record(try record())
        #expect(line.count { $0 == "\n" } == 1)
        let value = try #require(JSONValue.read(Array(line.utf8)))
        #expect(value["events"].elements.first?["data"]["big"] == .number("12345678901234567890"))
        #expect(value["body"]["big"] == .number("12345678901234567890"))
        let text = try #require(JSONValue.read(Array(printer(.json).record(try record(payload: "a=1")).utf8)))
        #expect(text["body"] == .string("a=1"))
    }

    @Test func `with --oneline a record is one line with its events and refusals`() throws {
        let line = printer(.line).record(try record(payload: "{\n  \"a\": 1\n}", refusedAs: .elementNotObject))
        #expect(
            line == """
                normaliser-0  stream #42  received 2026-09-21T14:13:20.000000Z  refused by normaliser: \
                element_not_object no object  participant.joined calls/default:1 id-1  data {"a":1}  body {"a":1}

                """)
    }

    @Test func `gaps are said to people and to programs`() {
        let origin = HelloNotice(role: .router, instance: "fanout-router-0")
        let gap = TapGap.missed(JournalID(high: 1, low: 2), first: 3, last: 5)
        let journal = JournalID(high: 1, low: 2).description
        #expect(
            printer(.block).gap(gap, at: origin)
                == "fanout-router-0  sequences 3 to 5 of journal \(journal) were not seen here\n")
        #expect(
            printer(.json).gap(gap, at: origin)
                == #"{"instance":"fanout-router-0","missed":{"journal":"\#(journal)","first":3,"last":5}}"# + "\n")
        #expect(
            printer(.json).gap(.restarted, at: origin) == #"{"instance":"fanout-router-0","restarted":true}"# + "\n")
    }

    @Test func `filters take a stage or an instance in full or in short, and what was refused`() throws {
        let refused = try record(refusedAs: .elementNotObject)
        let router = try record(at: .router)
        var filter = TapFilter()
        filter.stages = try StageChoice(["router", "normaliser-0"], option: "--stage")
        #expect(filter.passes(refused) && filter.passes(router))
        filter.instances = try StageChoice(["router-0"], option: "--instance")
        #expect(!filter.passes(refused) && filter.passes(router))
        filter = TapFilter()
        filter.isRejected = true
        #expect(filter.passes(refused) && !filter.passes(router))
    }
}
