import Events
import Testing
import WebhookSamples
import Wire

@testable import Normalisation
@testable import Providers

struct StreamTests {
    private let normaliser = StreamProvider.makeNormaliser(MappingOptions())

    private func event(_ body: String, _ fields: [(name: String, value: String)] = []) throws -> Record.Event {
        var record = Record.verified(source: "stream", fields: fields, body: Array(body.utf8))
        let outcome = try record.pass { view, writer in
            VerifiedWebhook(view).map { normaliser.normalise($0, into: &writer) }
        }
        #expect(outcome == .passed)
        let events = try record.events()
        #expect(events.count == 1)
        return try #require(events.first)
    }

    @Test func `every recorded webhook has the golden attributes`() throws {
        let golden = try SampleLibrary.goldenAttributes()
        for sample in try SampleLibrary.samples(of: "stream") {
            var attributes = try event(String(decoding: sample.body, as: UTF8.self), sample.fields).attributes
            #expect(attributes.removeValue(forKey: "datacontenttype") == "application/json")
            #expect(attributes == golden[sample.description], "\(sample)")
        }
    }

    @Test func `stream keys, ingress addresses and client addresses are hidden and nothing else`() throws {
        let body = """
            {"type":"call.rtmp_broadcast_started","name":"yt","call":{"cid":"c","egress":{"broadcasting":true,"rtmps":[\
            {"name":"yt","stream_key":"k-1","stream_url":"rtmps://a.example.com/live/k-1"},{"name":"fb","stream_key":null}],\
            "hls":{"playlist_url":"https://x/y.m3u8"}},"ingress":{"rtmp":{"address":"rtmps://i/k"},"whip":{"address":"w"}}},\
            "custom":{"stream_key":"kept","address":"kept"}}
            """
        let expected = """
            {"type":"call.rtmp_broadcast_started","name":"yt","call":{"cid":"c","egress":{"broadcasting":true,"rtmps":[\
            {"name":"yt","stream_key":"[redacted]","stream_url":"[redacted]"},{"name":"fb","stream_key":null}],\
            "hls":{"playlist_url":"https://x/y.m3u8"}},"ingress":{"rtmp":{"address":"[redacted]"},\
            "whip":{"address":"[redacted]"}}},"custom":{"stream_key":"kept","address":"kept"}}
            """
        #expect(String(decoding: try event(body).payload ?? [], as: UTF8.self) == expected)
        let ingress = try event(#"{"type":"ingress.started","call_cid":"c","ingress_stream_id":"i","client_ip":"::1"}"#)
        #expect(
            String(decoding: ingress.payload ?? [], as: UTF8.self)
                == #"{"type":"ingress.started","call_cid":"c","ingress_stream_id":"i","client_ip":"[redacted]"}"#)
    }

    @Test(arguments: [
        ("1", "2026-10-05T14:49:14.1Z"), ("14", "2026-10-05T14:49:14.14Z"),
        ("142187951", "2026-10-05T14:49:14.142187951Z"),
        ("000000001", "2026-10-05T14:49:14.000000001Z"), ("142000", "2026-10-05T14:49:14.142000Z"),
    ])
    func `times keep one to nine digits of a second`(digits: String, expected: String) throws {
        let text = try event(#"{"type":"custom","created_at":"2026-10-05T14:49:14.\#(digits)Z"}"#)
        #expect(text.attributes["time"] == expected && text.attributes["timesource"] == "provider")
    }

    @Test func `integer nanoseconds are exact beyond two to the fifty-third`() throws {
        let event = try event(#"{"type":"custom","created_at":1791211754142187951}"#)
        #expect(event.attributes["time"] == "2026-10-05T14:49:14.142187951Z")
    }

    @Test func `optional fields are there or not`() throws {
        for (body, type, subject) in [
            (#"{"type":"call.ended","call":{"cid":"a:b"}}"#, "room.ended", "calls/a:b"),
            (
                #"{"type":"call.ended","call_cid":"a:b","user":{"id":"u"},"reason":"x","members":[]}"#, "room.ended",
                "calls/a:b"
            ),
            (
                #"{"type":"call.rejected","call_cid":"a:b","user":{"id":"u"},"reason":"busy"}"#, "invite.rejected",
                "calls/a:b/users/u"
            ),
            (
                #"{"type":"ingress.error","call_cid":"a:b","ingress_stream_id":"i","user_id":"u","error":"e","code":7}"#,
                "ingress.failed", "calls/a:b/ingress/i"
            ),
            (
                #"{"type":"call.transcription_failed","call_cid":"a:b","egress_id":"e"}"#, "transcription.failed",
                "calls/a:b/egress/e"
            ),
            (
                #"{"type":"call.moderation_blur","call_cid":"a:b","user_id":"u","custom":{}}"#, "moderation.blurred",
                "calls/a:b/users/u"
            ),
        ] {
            let attributes = try event(body).attributes
            #expect(attributes["type"] == "dev.tributary.\(type)" && attributes["subject"] == subject)
            #expect(attributes["partitionkey"] == "a:b")
        }
    }
}
