import Events
import Foundation
import JSON
import Providers
import SeededRandom
import Testing
import Verification
import WebhookSamples
import Wire

@testable import Normaliser

/// 2026-10-05T14:49:14.5Z as the ingress' clock, in nanoseconds.
private let receivedAt: Int64 = 1_791_211_754_500_000_000

struct NormaliserStageTests {
    private let stage = NormaliserStage(sources: [
        ("stream", StreamProvider.self, MappingOptions()), ("fastpix", FastPixProvider.self, MappingOptions()),
        ("second", StreamProvider.self, MappingOptions()), ("superviz", SuperVizProvider.self, MappingOptions()),
        ("counting", SuperVizProvider.self, MappingOptions(idsFromContent: false)),
    ])

    private func outcome(
        _ source: String, _ body: String, fields: [(name: String, value: String)] = []
    ) throws -> (outcome: StageOutcome, record: Record) {
        var record = Record.verified(
            source: source, fields: fields, body: Array(body.utf8), receivedAtNanoseconds: receivedAt)
        var stage = stage
        let outcome = try record.pass { stage.process($0, into: &$1) }
        return (outcome, record)
    }

    private func event(
        _ source: String, _ body: String, fields: [(name: String, value: String)] = []
    ) throws -> Record.Event {
        let (outcome, record) = try outcome(source, body, fields: fields)
        #expect(outcome == .passed)
        let events = try record.events()
        #expect(events.count == 1)
        return try #require(events.first)
    }

    private func attributes(
        _ source: String, _ body: String, fields: [(name: String, value: String)] = []
    ) throws -> [String: String] {
        try event(source, body, fields: fields).attributes
    }

    @Test func `every recorded webhook has the golden attributes`() throws {
        var count = 0
        let golden = try SampleLibrary.goldenAttributes()
        for sample in try SampleLibrary.samples(of: "stream") + SampleLibrary.samples(of: "fastpix") {
            let expected = try #require(golden[sample.description])
            var attributes = try attributes(
                sample.provider, String(decoding: sample.body, as: UTF8.self), fields: sample.fields)
            #expect(attributes.removeValue(forKey: "datacontenttype") == "application/json")
            #expect(attributes == expected, "\(sample)")
            count += 1
        }
        #expect(count == golden.keys.count { $0.hasPrefix("stream/") || $0.hasPrefix("fastpix/") })
    }

    @Test func `unknown types become provider.unmapped`() throws {
        let unmapped = "dev.tributary.provider.unmapped"
        for (source, body, subject, key) in [
            ("stream", #"{"type":"call.new_thing","call_cid":"a:b"}"#, "calls/a:b", "a:b"),
            ("stream", #"{"type":"call.new_thing","call":{"cid":"a:c"}}"#, "calls/a:c", "a:c"),
            ("stream", #"{"type":"user.new_thing","user":{"id":"u"}}"#, "users/u", "u"),
            ("stream", #"{"type":"totally.made.up"}"#, nil, nil),
            ("fastpix", #"{"type":"video.new","object":{"type":"media","id":"m"}}"#, "assets/m", "m"),
            ("fastpix", #"{"type":"video.new","object":{"type":"live-stream","id":"l"}}"#, "streams/l", "l"),
            ("fastpix", #"{"type":"video.live_stream.new","data":{"streamId":"l"}}"#, "streams/l", "l"),
            ("fastpix", #"{"type":"video.media.new","data":{"id":"m"}}"#, "assets/m", "m"),
            ("fastpix", #"{"type":"new","object":{"type":"list","id":"x"}}"#, "objects/x", "x"),
            ("fastpix", #"{"type":"new"}"#, nil, nil),
        ] as [(String, String, String?, String?)] {
            let attributes = try attributes(source, body)
            #expect(attributes["type"] == unmapped, "\(body)")
            #expect(attributes["subject"] == subject, "\(body)")
            #expect(attributes["partitionkey"] == key, "\(body)")
            #expect(attributes["providertype"] != nil && attributes["provider"] == source)
        }
    }

    @Test func `the sender's trace context is an attribute of every event`() throws {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let batch = #"[{"event":"a","data":1,"roomId":"r"},{"event":"b","data":2,"roomId":"r"}]"#
        for (source, body) in [("stream", #"{"type":"custom"}"#), ("superviz", batch)] {
            var record = Record.verified(source: source, body: Array(body.utf8), receivedAtNanoseconds: receivedAt)
            record.append { $0.section(.traceContext) { $0.raw(Array(trace.utf8)) } }
            var stage = stage
            #expect(try record.pass { stage.process($0, into: &$1) } == .passed)
            let events = try record.events()
            #expect(!events.isEmpty && events.allSatisfy { $0.attributes["traceparent"] == trace })
        }
    }

    @Test func `a subject ends before the first field that names nothing`() throws {
        let long = String(repeating: "n", count: 2000)
        for (body, subject) in [
            (#"{"type":"call.session_started","call_cid":"a:b"}"#, "calls/a:b"),
            (#"{"type":"call.session_started","call_cid":"a:b","session_id":null}"#, "calls/a:b"),
            (#"{"type":"call.session_started","call_cid":"a:b","session_id":""}"#, "calls/a:b"),
            (#"{"type":"call.session_started","call_cid":"a:b","session_id":{"x":1}}"#, "calls/a:b"),
            (#"{"type":"call.session_started","call_cid":"a:b","session_id":12}"#, "calls/a:b/sessions/12"),
            (#"{"type":"call.session_started","call_cid":true,"session_id":"s"}"#, nil),
            (
                #"{"type":"call.session_participant_left","call_cid":"c","session_id":"s","participant":[]}"#,
                "calls/c/sessions/s"
            ),
            (#"{"type":"call.accepted","call_cid":"c","user":"john"}"#, "calls/c"),
            (#"{"type":"user.banned","user":{"id":7}}"#, "users/7"),
            (
                #"{"type":"call.accepted","call_cid":"c","user":{"id":"a/b %\n\u0085é"}}"#,
                "calls/c/users/a/b %%0A%C2%85é"
            ),
            (
                #"{"type":"call.rtmp_broadcast_started","call_cid":"c","name":"\#(long)"}"#,
                "calls/c"
            ),
        ] as [(String, String?)] {
            #expect(try attributes("stream", body)["subject"] == subject, "\(body)")
        }
        let simulcast = #"{"type":"video.live_stream.simulcast.created","id":"1","object":{"id":"s"},"data":null}"#
        #expect(try attributes("fastpix", simulcast)["subject"] == "streams/s")
    }

    @Test func `time is the provider's where it can be read and received-at otherwise`() throws {
        for (value, time, origin) in [
            (#""2026-10-05T14:49:14.142187951Z""#, "2026-10-05T14:49:14.142187951Z", "provider"),
            (#""2026-10-05T16:49:14.1+02:00""#, "2026-10-05T16:49:14.1+02:00", "provider"),
            ("1791211754142187951", "2026-10-05T14:49:14.142187951Z", "provider"),
            ("1778198400000000000", "2026-05-08T00:00:00Z", "provider"),
            ("1.791211754142187951e18", "2026-10-05T14:49:14.5Z", "ingest"),
            ("17912117541421879510000", "2026-10-05T14:49:14.5Z", "ingest"),
            (#""yesterday""#, "2026-10-05T14:49:14.5Z", "ingest"),
            ("null", "2026-10-05T14:49:14.5Z", "ingest"), ("{}", "2026-10-05T14:49:14.5Z", "ingest"),
        ] {
            let attributes = try attributes("stream", #"{"type":"custom","created_at":\#(value)}"#)
            #expect(attributes["time"] == time && attributes["timesource"] == origin, "\(value)")
        }
        let tables = try attributes("fastpix", #"{"type":"x","created_at":"2026-10-05T14:49:14Z"}"#)
        #expect(tables["time"] == "2026-10-05T14:49:14Z")
        let unix = Array(try SampleLibrary.contents("stream/variants/call.session_participant_joined.unix-ns.json"))
        let variant = try attributes("stream", String(decoding: unix, as: UTF8.self))
        #expect(variant["time"] == "2026-10-05T14:49:14.142187951Z" && variant["timesource"] == "provider")
    }

    @Test func `an id that the provider does not give is the same on every resend`() throws {
        let body = #"{"type":"custom"}"#
        let first = try attributes("stream", body)["id"]
        #expect(
            first
                == GeneratedEventID.make(
                    receivedAtNanoseconds: receivedAt, journal: JournalID(high: 7, low: 8), sequence: 1, element: 0))
        #expect(try attributes("stream", body)["id"] == first)
        #expect(try attributes("stream", body, fields: [("X-WEBHOOK-ID", "")])["id"] == first)
        #expect(try attributes("stream", body, fields: [("X-WEBHOOK-ID", "w-1")])["id"] == "w-1")
        #expect(try attributes("fastpix", #"{"type":"x","webhookId":"w"}"#)["id"] == "w")
        #expect(try attributes("fastpix", #"{"type":"x","id":9}"#)["id"] == "9")
        #expect(try attributes("fastpix", #"{"type":"x","id":null,"object":{"id":"o"}}"#)["id"] == first)
    }

    @Test func `the source in the configuration becomes the event's source`() throws {
        #expect(try attributes("second", #"{"type":"custom"}"#)["source"] == "/sources/second")
    }

    @Test func `a payload without secrets is the body itself, by reference`() throws {
        let body = " {\"type\" : \"custom\", \"n\": 12345678901234567890123, \"d\":1.50e+3,\"type\":\"custom\" }\n"
        let event = try event("stream", body)
        #expect(event.isWholeBody && event.payload == Array(body.utf8))
    }

    @Test func `a compressed webhook's payload is the inflated body`() throws {
        var record = Record.verified(source: "stream", body: [0x1f, 0x8b])
        let inflated = Array(#"{"type":"custom","call_cid":"c"}"#.utf8)
        record.append { writer in inflated.withUnsafeBytes { writer.section(.inflatedBody, $0) } }
        var stage = stage
        #expect(try record.pass { stage.process($0, into: &$1) } == .passed)
        let event = try #require(try record.events().first)
        #expect(event.isWholeBody && event.payload == inflated)
    }

    @Test func `secrets are redacted and everything else stays byte for byte`() throws {
        let secrets = [
            "FP_TRgf4CswLZ9UcHH3yTxQ", "FP_pbeAbQF5LUxPAdUseA0u", "b2c3f0aa51d24a6fb0b4f6", "yt-xxxx-xxxx",
            "rtmps://ingress.stream-io-video.com:443/k3ytest123abc.livestream.town-hall-42",
        ]
        var redactedSamples = 0
        for sample in try SampleLibrary.samples(of: "stream") + SampleLibrary.samples(of: "fastpix") {
            var expected = String(decoding: sample.body, as: UTF8.self)
            let event = try event(sample.provider, expected, fields: sample.fields)
            for secret in secrets {
                expected = expected.replacingOccurrences(of: "\"\(secret)\"", with: "\"[redacted]\"")
            }
            #expect(event.payload == Array(expected.utf8), "\(sample)")
            #expect(event.isWholeBody == (Array(expected.utf8) == sample.body))
            redactedSamples += event.isWholeBody ? 0 : 1
        }
        #expect(redactedSamples > 20)
        for (source, body, expected) in [
            (
                "stream", #"{"type":"ingress.started","client_ip" :"1.2.3.4" ,"client_ip":"1.2.3.5"}"#,
                #"{"type":"ingress.started","client_ip" :"[redacted]" ,"client_ip":"[redacted]"}"#
            ),
            (
                "stream", #"{"type":"custom","custom":{"client_ip":"kept","ingress":{"a":{"address":"kept"}}}}"#,
                #"{"type":"custom","custom":{"client_ip":"kept","ingress":{"a":{"address":"kept"}}}}"#
            ),
            (
                "fastpix", #"{"type":"x","data":{"srtSecert":"s","t":[{"streamKey":"k"}]}}"#,
                #"{"type":"x","data":{"srtSecert":"[redacted]","t":[{"streamKey":"[redacted]"}]}}"#
            ),
        ] {
            #expect(try event(source, body).payload == Array(expected.utf8))
        }
    }

    @Test(arguments: [
        ("stream", "", RejectionCode.bodyNotJSON), ("stream", "{\"type\":\"custom\"", .bodyNotJSON),
        ("stream", "{\"type\":\"custom\"} x", .bodyNotJSON), ("stream", "[]", .bodyNotObject),
        ("fastpix", "null", .bodyNotObject), ("stream", "{}", .typeMissing), ("stream", "{\"type\":7}", .typeMissing),
        ("stream", "{\"type\":\"\"}", .typeMissing), ("fastpix", "{\"id\":\"x\"}", .typeMissing),
        ("stream", "{\"type\":\"custom\",\"type\":null}", .typeMissing),
        (
            "stream", "{\"a\":" + String(repeating: "[", count: 64) + String(repeating: "]", count: 64) + "}",
            .bodyTooDeep
        ),
    ])
    func `what cannot be normalised is refused with a code`(
        source: String, body: String, code: RejectionCode
    ) throws {
        let (outcome, record) = try outcome(source, body)
        guard case .refused(let rejection) = outcome else {
            Issue.record("\(body) was not refused")
            return
        }
        #expect(rejection.code == code && rejection.stage == .normaliser && !rejection.detail.isEmpty)
        #expect(code.httpStatus == 400)
        let section = try #require(try record.section(.rejection))
        #expect(try section.withUnsafeBytes { try Rejection(section: $0) } == rejection)
        #expect(try record.section(.events) == nil)
    }

    @Test func `a signed FastPix probe gives no event and no refusal`() throws {
        for body in ["{}", "{\"challenge\":true}"] {
            let (outcome, record) = try outcome("fastpix", body)
            #expect(outcome == .passed)
            #expect(try record.section(.events) != nil)
            #expect(try record.events().isEmpty)
        }
    }

    @Test func `refused elements are written behind the events of the others`() throws {
        let (outcome, record) = try outcome("superviz", #"[{"event":"a"},7,{"event":"b"},{}]"#)
        guard case .passedExcept(let rejections) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(rejections.map(\.code) == [.elementNotObject, .typeMissing])
        #expect(rejections.map(\.element) == [1, 3])
        #expect(try record.events().map { $0.attributes["providertype"] } == ["a", "b"])
        var written = ByteWriter()
        for rejection in rejections { rejection.write(to: &written) }
        #expect(record.bytes.suffix(written.count) == written.bytes[...])
        let all = try self.outcome("superviz", "[1]")
        #expect(try all.record.events().isEmpty && all.record.section(.rejection) != nil)
    }

    @Test func `sources of one provider share a normaliser where their options are the same`() throws {
        let body = #"{"event":"a"}"#
        #expect(try attributes("superviz", body)["id"]?.hasPrefix("sha256:") == true)
        #expect(try attributes("counting", body)["id"]?.hasPrefix("sha256:") == false)
        #expect(try attributes("counting", body)["source"] == "/sources/counting")
    }

    @Test func `a handshake that the verifier has answered passes untouched`() throws {
        var record = Record.verified(source: "stream", body: Array("not JSON".utf8))
        record.append { CanonicalEventsWriter.writeNone(to: &$0) }
        let before = record.bytes
        var stage = stage
        #expect(try record.pass { stage.process($0, into: &$1) } == .passed)
        #expect(record.bytes == before)
    }

    @Test func `tombstones and refused records pass untouched, unverified ones are refused`() throws {
        var stage = stage
        var tombstone = Record(source: "stream", fields: [], body: Array("{}".utf8))
        tombstone.bytes.withUnsafeMutableBytes { EnvelopePatch.mark($0, flags: .tombstone, resends: 3) }
        var refused = Record.verified(source: "stream", body: Array(#"{"type":"custom"}"#.utf8))
        refused.append { Rejection(.signatureMismatch, stage: .verifier).write(to: &$0) }
        for record in [tombstone, refused] {
            var passed = record
            #expect(try passed.pass { stage.process($0, into: &$1) } == .passed)
            #expect(passed.bytes == record.bytes)
        }
        var unverified = Record(source: "stream", fields: [], body: Array(#"{"type":"custom"}"#.utf8))
        let outcome = try unverified.pass { stage.process($0, into: &$1) }
        guard case .refused(let rejection) = outcome else {
            Issue.record("an unverified record was normalised")
            return
        }
        #expect(rejection.code == .envelopeDamaged)
        #expect(try unverified.section(.events) == nil)
    }

    @Test func `mutated webhooks never trap and are never dropped`() throws {
        var generator = SeededGenerator(seed: 11)
        let samples = try SampleLibrary.samples(of: "stream") + SampleLibrary.samples(of: "fastpix")
        let values = ["null", "7", "\"\"", "[]", "{}", "true", "-1e999", "\"\\u0000\""]
        for round in 0..<4000 {
            let sample = samples[round % samples.count]
            var body = sample.body
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: body.indices, using: &generator)
                if Bool.random(using: &generator) {
                    body[place] = .random(in: 0...255, using: &generator)
                } else if let colon = body[place...].firstIndex(of: UInt8(ascii: ":")) {
                    let value = values.randomElement(using: &generator) ?? "0"
                    body.replaceSubrange(colon + 1..<min(colon + 2, body.count), with: value.utf8)
                }
            }
            var record = Record.verified(source: sample.provider, fields: sample.fields, body: body)
            var stage = stage
            switch try record.pass({ stage.process($0, into: &$1) }) {
            case .passed, .passedExcept, .answered: #expect(try record.section(.events) != nil)
            case .refused: #expect(try record.section(.rejection) != nil)
            }
        }
    }
}
