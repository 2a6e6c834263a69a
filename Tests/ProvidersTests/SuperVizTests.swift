import Events
import Foundation
import JSON
import SeededRandom
import Testing
import WebhookSamples
import Wire

@testable import Normalisation
@testable import Providers

struct SuperVizTests {
    private let generated = MappingOptions(idsFromContent: false)

    private func normalised(
        _ body: String, options: MappingOptions = MappingOptions(), sequence: UInt64 = 1
    ) throws -> Normalised {
        try Normalised(SuperVizProvider.self, body, options: options, sequence: sequence)
    }

    private func sample(_ file: String) throws -> [UInt8] {
        Array(try SampleLibrary.contents("superviz/\(file)"))
    }

    /// The rejections of single elements; a failure where the outcome is another.
    private func rejections(of normalised: Normalised) -> [Rejection] {
        guard case .passedExcept(let rejections) = normalised.outcome else {
            Issue.record("\(normalised.outcome)")
            return []
        }
        return rejections
    }

    @Test func `every recorded webhook has the golden attributes`() throws {
        let golden = try SampleLibrary.goldenEvents().filter { $0.key.hasPrefix("superviz/") }
        #expect(golden.count == 5)
        for (sample, expected) in golden {
            let found = try Normalised(SuperVizProvider.self, Array(SampleLibrary.contents(sample)))
            #expect(found.outcome == .passed)
            for (event, expected) in zip(found.events, expected.events) {
                var attributes = event.attributes
                #expect(attributes.removeValue(forKey: "datacontenttype") == "application/json")
                #expect(attributes == expected, "\(sample)")
            }
            #expect(found.events.count == (sample.contains("1000") ? 1000 : expected.events.count))
        }
    }

    @Test func `a batch of a thousand is a thousand events in order, with ids of their own`() throws {
        let batch = try Normalised(SuperVizProvider.self, sample("realtime.batch.1000.json"))
        #expect(batch.events.count == 1000)
        #expect(Set(batch.events.compactMap { $0.attributes["id"] }).count == 1000)
        for (index, event) in batch.events.enumerated() {
            let payload = String(decoding: try #require(event.payload), as: UTF8.self)
            #expect(payload.contains(#""data":{"n":\#(index)}"#) && payload.hasPrefix(#"{"apiKey":"[redacted]","#))
            #expect(!event.isWholeBody)
        }
    }

    @Test func `more than a thousand elements are refused`() throws {
        let element = #"{"event":"e"}"#
        for (count, code) in [(1000, nil), (1001, RejectionCode.tooManyElements)] {
            let body = "[" + Array(repeating: element, count: count).joined(separator: ",") + "]"
            let batch = try normalised(body)
            #expect(batch.code == code)
            #expect(batch.events.count == (code == nil ? 1000 : 0))
        }
    }

    @Test(arguments: [
        ("1234567890123456789", "1234567890123456788"), ("9007199254740993", "9007199254740992"),
        ("0.1", "0.10000000000000001"), ("1e400", "1e401"), ("12345678901234567890123", "12345678901234567890124"),
    ])
    func `elements that differ in a number alone are two events`(first: String, second: String) throws {
        let elements = [first, second].map { #"{"event":"chat","data":{"messageId":\#($0)}}"# }
        let batch = try normalised("[" + elements.joined(separator: ",") + "]")
        #expect(Set(batch.events.compactMap { $0.attributes["id"] }).count == 2)
        let same = try normalised(#"[{"event":"a","n":1.0},{"n":1,"event":"a"},{"event":"a","n":1e0}]"#)
        #expect(Set(same.events.compactMap { $0.attributes["id"] }).count == 1)
    }

    @Test func `an empty array announces nothing`() throws {
        let empty = try normalised(" [ ] ")
        #expect(empty.outcome == .passed)
        #expect(empty.events.isEmpty)
    }

    @Test(
        arguments: [
            (#"{"event":"e","roomId":"r","channel":"c"}"#, "rooms/r/channels/c", "r/c"),
            (#"{"event":"e","channel":"c"}"#, "channels/c", "c"),
            (#"{"event":"e","roomId":null,"channel":"c"}"#, "channels/c", "c"),
            (#"{"event":"e","roomId":"","channel":"c"}"#, "channels/c", "c"),
            (#"{"event":"e","roomId":"r"}"#, "rooms/r", "r"),
            (#"{"event":"e","roomId":7,"channel":8}"#, "rooms/7/channels/8", "7/8"),
            (#"{"event":"e","roomId":{"x":1},"channel":["c"]}"#, nil, nil),
            (#"{"event":"e","roomId":"a/b","channel":"\u0000"}"#, "rooms/a/b/channels/%00", "a/b/%00"),
            (#"{"event":"e"}"#, nil, nil),
            (#"{"event":"MEETING_STATS","channel":"c","message":[{"meetingId":"m"}]}"#, "channels/c", "c"),
            (#"{"event":"e","type":"CREATE_MENTION","id":"i","channel":"c"}"#, "channels/c", "c"),
        ] as [(String, String?, String?)])
    func `a Real-time event is about its room and channel`(body: String, subject: String?, key: String?) throws {
        let attributes = try normalised(body).attributes()
        #expect(attributes["type"] == "dev.tributary.custom.event")
        #expect(attributes["subject"] == subject && attributes["partitionkey"] == key)
        #expect(attributes["id"]?.hasPrefix("sha256:") == true)
    }

    @Test(
        arguments: [
            (
                #"{"id":"i","type":"MEETING_STATS","message":[{"meetingId":"m"}]}"#, "session.report_ready",
                "meetings/m", "m"
            ),
            (
                #"{"id":"i","type":"MEETING_STATS","message":{"meetingId":"m"}}"#, "session.report_ready", "meetings/m",
                "m"
            ),
            (
                #"{"id":"i","type":"MEETING_STATS","message":"[{\"meetingId\":\"m\u00e9\"}]"}"#, "session.report_ready",
                "meetings/mé", "mé"
            ),
            (
                #"{"id":"i","type":"MEETING_STATS","message":"{\"meetingId\":\"m\"}"}"#, "session.report_ready",
                "meetings/m", "m"
            ),
            (#"{"id":"i","type":"MEETING_STATS","message":"not JSON"}"#, "session.report_ready", nil, nil),
            (#"{"id":"i","type":"MEETING_STATS","message":[]}"#, "session.report_ready", nil, nil),
            (#"{"id":"i","type":"MEETING_STATS"}"#, "session.report_ready", nil, nil),
            (#"{"id":"i","type":"CREATE_MENTION","message":"{}"}"#, "mention.created", "mentions/i", "i"),
            (#"{"id":"i","type":"DELETE_MENTION","message":null}"#, "mention.deleted", "mentions/i", "i"),
            (#"{"id":"i","type":"RECORDING_DONE","message":{"url":"u"}}"#, "provider.unmapped", nil, nil),
            (#"{"id":"i","type":"create_mention"}"#, "provider.unmapped", nil, nil),
        ] as [(String, String, String?, String?)])
    func `the other webhooks are mapped by type`(
        body: String, type: String, subject: String?, key: String?
    ) throws {
        let attributes = try normalised(body).attributes()
        #expect(attributes["type"] == "dev.tributary.\(type)")
        #expect(attributes["subject"] == subject && attributes["partitionkey"] == key)
        #expect(attributes["id"] == "i" && attributes["timesource"] == "ingest")
        #expect(attributes["time"] == Normalised.receivedAtText)
    }

    @Test func `the recorded mentions are mentions`() throws {
        for (file, type) in [("CREATE", "mention.created"), ("DELETE", "mention.deleted")] {
            let found = try Normalised(SuperVizProvider.self, sample("webhook.\(file)_MENTION.json"))
            let attributes = try found.attributes()
            #expect(attributes["type"] == "dev.tributary.\(type)" && attributes["subject"] == "mentions/evt-2")
            #expect(attributes["id"] == "evt-2" && attributes["providertype"] == "\(file)_MENTION")
        }
    }

    @Test(
        arguments: [
            (#""2024-05-17T20:56:59.006Z""#, "2024-05-17T20:56:59.006Z"), (#""yesterday""#, nil),
            ("1715979419006", nil),
            ("null", nil), ("{}", nil), (#""2024-13-17T20:56:59Z""#, nil),
        ] as [(String, String?)])
    func `time is the date where it can be read`(date: String, time: String?) throws {
        let attributes = try normalised(#"{"event":"e","date":\#(date)}"#).attributes()
        #expect(attributes["time"] == time ?? Normalised.receivedAtText)
        #expect(attributes["timesource"] == (time == nil ? "ingest" : "provider"))
    }

    @Test func `an id is of the content, however it is written and wherever it stands`() throws {
        let plain = #"{"apiKey":"k","channel":"é","data":{"n":4.5},"event":"e"}"#
        let other = "{ \"event\" : \"\\u0065\",\n\"data\":{\"n\":45e-1},\"channel\":\"\\u00e9\" ,\"apiKey\":\"k\"}"
        let id = try #require(try normalised(plain).attributes()["id"])
        #expect(try normalised(other, sequence: 9).attributes()["id"] == id)
        let batch = try normalised("[{\"event\":\"x\"},\(other),\(plain)]")
        #expect(batch.events.map { $0.attributes["id"] }.dropFirst() == [id, id])
        #expect(try normalised(plain.replacing("\"k\"", with: "\"l\"")).attributes()["id"] != id)
        #expect(try normalised(plain.replacing("4.5", with: "4.6")).attributes()["id"] != id)
        // printf '%s' "$plain" | sha256sum
        #expect(id == "sha256:246ad1c11d26d57f60dc89fdcfe304d6621f46b800b6f26cda4aa7be81277930")
    }

    @Test func `ids can be generated instead, the same on every resend and different for every element`() throws {
        let body = #"[{"event":"e"},{"event":"e"}]"#
        let ids = try normalised(body, options: generated).events.map { $0.attributes["id"] ?? "" }
        #expect(Set(ids).count == 2 && ids.allSatisfy { $0.utf8.count == 36 })
        #expect(try normalised(body, options: generated).events.map { $0.attributes["id"] ?? "" } == ids)
        #expect(try normalised(body, options: generated, sequence: 2).events[0].attributes["id"] != ids[0])
        #expect(try normalised(#"{"type":"T"}"#, options: generated).attributes()["id"]?.utf8.count == 36)
        #expect(try normalised(#"{"type":"T"}"#).attributes()["id"]?.hasPrefix("sha256:") == true)
    }

    @Test func `poisoned elements are refused alone`() throws {
        let elements = [
            #"{"event":"a"}"#, "7", #"{"event":""}"#, #"{"data":{}}"#, "null", #"{"event":"b","date":12e999}"#,
            #"[{"event":"c"}]"#, #"{"type":[]}"#, #"{"event":7,"type":"d"}"#, #""event""#,
        ]
        let batch = try normalised("[\(elements.joined(separator: " , "))]")
        #expect(batch.events.map { $0.attributes["providertype"] } == ["a", "b", "d"])
        #expect(
            batch.events.map { $0.payload.map { String(decoding: $0, as: UTF8.self) } }
                == [elements[0], elements[5], elements[8]])
        let rejections = rejections(of: batch)
        #expect(rejections.map(\.element) == [1, 2, 3, 4, 6, 7, 9])
        #expect(
            rejections.map(\.code) == [
                .elementNotObject, .typeMissing, .typeMissing, .elementNotObject, .elementNotObject, .typeMissing,
                .elementNotObject,
            ])
        #expect(rejections.allSatisfy { $0.stage == .normaliser && !$0.detail.isEmpty })
    }

    @Test(arguments: [
        ("", RejectionCode.bodyNotJSON), ("[{\"event\":\"a\"},", .bodyNotJSON), ("[{\"event\":\"a\"},]", .bodyNotJSON),
        ("{\"event\":\"a\",}", .bodyNotJSON), ("{\"event\":\"a\"} // comment", .bodyNotJSON),
        ("7", .bodyNotArray), ("\"a\"", .bodyNotArray), ("null", .bodyNotArray), ("{}", .typeMissing),
        ("{\"event\":null}", .typeMissing),
        ("[" + String(repeating: "[", count: 64) + String(repeating: "]", count: 64) + "]", .bodyTooDeep),
    ])
    func `what is no webhook is refused whole`(body: String, code: RejectionCode) throws {
        let refused = try normalised(body)
        guard case .refused(let rejection) = refused.outcome else {
            Issue.record("\(body) was not refused")
            return
        }
        #expect(rejection.code == code && rejection.element == Rejection.wholeWebhook && !rejection.detail.isEmpty)
        #expect(refused.events.isEmpty)
    }

    @Test func `a replay of single elements brings these alone`() throws {
        let body = Array(#"[{"event":"a"},7,{"event":"c"},8,{"event":"e"}]"#.utf8)
        let all = try Normalised(SuperVizProvider.self, body)
        for (replayed, events, refused) in [
            ([2], ["c"], []), ([1, 4], ["e"], [1]), ([3], [], [3]), ([], ["a", "c", "e"], [1, 3]), ([99], [], []),
        ] as [([UInt32], [String], [UInt32])] {
            var record = Record.verified(source: "superviz", body: body, receivedAtNanoseconds: Normalised.receivedAt)
            record.append {
                ReplayOrigin.write(journal: JournalID(high: 7, low: 8), sequence: 1, elements: replayed, to: &$0)
            }
            let normaliser = SuperVizProvider.makeNormaliser(MappingOptions())
            let outcome = try record.pass { view, writer in
                VerifiedWebhook(view).map { normaliser.normalise($0, into: &writer) }
            }
            let found = try record.events()
            #expect(found.map { $0.attributes["providertype"] } == events)
            for event in found {
                #expect(all.events.contains { $0.attributes == event.attributes && $0.payload == event.payload })
            }
            if case .passedExcept(let rejections) = outcome {
                #expect(rejections.map(\.element) == refused)
            } else {
                #expect(outcome == .passed && refused.isEmpty)
            }
        }
    }

    @Test func `a single object without key is passed on by reference, with key as a redacted copy`() throws {
        let plain = try normalised(" {\"event\":\"e\" } ")
        #expect(plain.events.first?.isWholeBody == true)
        #expect(plain.payload == " {\"event\":\"e\" } ")
        let keyed = try normalised(#" {"event":"e","apiKey" : "k" ,"data":{"apiKey":"kept"}}"#)
        #expect(keyed.payload == #" {"event":"e","apiKey" : "[redacted]" ,"data":{"apiKey":"kept"}}"#)
        #expect(try normalised(#"[{"event":"e"}]"#).payload == #"{"event":"e"}"#)
    }

    @Test func `events that would not fit an envelope are refused`() throws {
        let key = String(repeating: "\u{85}", count: 500)
        let element = "{\"event\":\"\(key)\",\"roomId\":\"\(key)\",\"channel\":\"\(key)\"}"
        let body = "[" + Array(repeating: element, count: 300).joined(separator: ",") + "]"
        #expect(try normalised(body).code == .bodyTooLargeInflated)
    }

    @Test func `mutated batches never trap, and every element is an event or refused`() throws {
        var generator = SeededGenerator(seed: 12)
        let batch = try sample("realtime.batch.json")
        let normaliser = SuperVizProvider.makeNormaliser(MappingOptions())
        let values = ["null", "7", "\"\"", "[]", "{}", "true", "-1e999", "\"\\u0000\"", "{\"event\":{}}"]
        for _ in 0..<4000 {
            var body = batch
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: body.indices, using: &generator)
                if Int.random(in: 0..<3, using: &generator) == 0 {
                    body[place] = .random(in: 0...255, using: &generator)
                } else if let mark = body[place...].firstIndex(where: { ":,[".utf8.contains($0) }) {
                    let value = values.randomElement(using: &generator) ?? "0"
                    body.insert(contentsOf: "\(value),".utf8, at: mark + 1)
                }
            }
            var record = Record.verified(source: "superviz", body: body)
            let outcome = try record.pass { view, writer in
                VerifiedWebhook(view).map { normaliser.normalise($0, into: &writer) }
            }
            let count = try record.events().count
            switch outcome {
            case .passed: #expect(count <= 8)
            case .passedExcept(let rejections): #expect(!rejections.isEmpty && rejections.count + count <= 12)
            case .refused, .answered, nil: #expect(outcome != nil && count == 0)
            }
        }
    }
}
