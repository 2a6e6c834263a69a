import Events
import Testing
import WebhookSamples
import Wire

@testable import Normalisation
@testable import Providers

struct FastPixTests {
    private let normaliser = FastPixProvider.makeNormaliser(MappingOptions())

    private func normalise(_ body: String, _ fields: [(name: String, value: String)] = []) throws
        -> (outcome: StageOutcome?, record: Record)
    {
        var record = Record.verified(source: "fastpix", fields: fields, body: Array(body.utf8))
        let outcome = try record.pass { view, writer in
            VerifiedWebhook(view).map { normaliser.normalise($0, into: &writer) }
        }
        return (outcome, record)
    }

    private func event(_ body: String) throws -> Record.Event {
        let (outcome, record) = try normalise(body)
        #expect(outcome == .passed)
        return try #require(try record.events().first)
    }

    private func isProbe(_ fields: [(name: String, value: String)], _ body: String) throws -> Bool {
        try Record(source: "s", fields: fields, body: Array(body.utf8)).withView { view in
            let webhook = try #require(AcceptedWebhook(view))
            return FastPixProvider.isProbe(head: webhook.head, body: webhook.body)
        }
    }

    @Test func `every recorded webhook has the golden attributes`() throws {
        let golden = try SampleLibrary.goldenAttributes()
        for sample in try SampleLibrary.samples(of: "fastpix") {
            var attributes = try event(String(decoding: sample.body, as: UTF8.self)).attributes
            #expect(attributes.removeValue(forKey: "datacontenttype") == "application/json")
            #expect(attributes == golden[sample.description], "\(sample)")
        }
    }

    @Test func `the probe is an unsigned empty object, null or nothing`() throws {
        for body in ["", "{}", " {\n} ", "{}\n", "\r\n", "null", " null\n", String(repeating: " ", count: 64)] {
            #expect(try isProbe([("Content-Type", "application/json")], body))
            #expect(try !isProbe([("FastPix-Signature", "x")], body))
        }
        for body in [
            "{\"a\":1}", "[]", "{}{}", "x", "nul", "0", "\u{feff}{}", "{}" + String(repeating: " ", count: 63),
        ] {
            #expect(try !isProbe([], body), "\(body)")
        }
    }

    @Test func `a signed probe announces nothing`() throws {
        for body in ["{}", " {} ", "", "\r\n", #"{"challenge":"x"}"#, #"{"workspace":{"id":"w"}}"#, #"{"type":""}"#] {
            let (outcome, record) = try normalise(body)
            #expect(outcome == .passed, "\(body)")
            #expect(try record.events().isEmpty)
            #expect(try record.section(.events) != nil)
        }
        for (body, code) in [
            (#"{"id":"e"}"#, RejectionCode.typeMissing), (#"{"webhookId":"e","type":7}"#, .typeMissing),
            ("null", .bodyNotObject), ("[]", .bodyNotObject), ("{", .bodyNotJSON),
        ] {
            guard case .refused(let rejection) = try normalise(body).outcome else {
                Issue.record("\(body) was not refused")
                continue
            }
            #expect(rejection.code == code)
        }
    }

    @Test func `both generations and their spellings name the same things`() throws {
        let older = """
            {"type":"video.live_stream.active","request_id":null,"object":{"name":"live","type":"live","id":"s-1"},\
            "id":"e-1","environment":{"name":"Development","id":"n"},"data":{"test":false,"streamId":"s-1",\
            "streamKey":"k","playbackId":[{"id":"p","accessPolicy":"public"}]},\
            "created_at":"2024-04-02T12:15:24.416436Z","attempts":null,"accessor_source":null,"accessor":null}
            """
        let newer = """
            {"type":"video.live_stream.active","object":{"type":"live-stream","id":"s-1"},"webhookId":"e-1",\
            "Workspace":{"id":"n","name":"Development"},"status":"active","data":{"streamId":"s-1","streamKey":"k",\
            "srtSecert":"q","playbackIds":[{"id":"p","accessPolicy":"public"}]},\
            "createdAt":"2024-04-02T12:15:24.416436Z","attempts":[]}
            """
        for body in [older, newer] {
            let event = try event(body)
            #expect(
                event.attributes == [
                    "type": "dev.tributary.stream.started", "source": "/sources/fastpix", "id": "e-1",
                    "subject": "streams/s-1", "partitionkey": "s-1", "time": "2024-04-02T12:15:24.416436Z",
                    "timesource": "provider", "provider": "fastpix", "providertype": "video.live_stream.active",
                    "datacontenttype": "application/json",
                ])
            let expected = body.replacing(#""streamKey":"k""#, with: #""streamKey":"[redacted]""#)
                .replacing(#""srtSecert":"q""#, with: #""srtSecert":"[redacted]""#)
            #expect(String(decoding: event.payload ?? [], as: UTF8.self) == expected)
        }
        let both = try event(
            #"{"type":"x","id":"1","webhookId":"2","createdAt":"n","created_at":"2026-01-02T03:04:05Z"}"#)
        #expect(both.attributes["id"] == "1" && both.attributes["time"] == "2026-01-02T03:04:05Z")
        for (first, second) in [
            ("video.live_stream.simulcast.created", "video.live_stream.simulcast_target.created"),
            ("video.live_stream.simulcast.broadcasting", "video.live_stream.simulcast_target.broadcasting"),
            ("video.mediaAI.chapters.ready", "video.media.ai.chapters.ready"),
            ("video.mediaAI.moderation.ready", "video.media.ai.moderation.ready"),
        ] {
            let types = try [first, second].map { type in
                try event(#"{"type":"\#(type)","object":{"id":"o"},"data":{"simulcastId":"t"}}"#).attributes
            }
            #expect(types[0]["type"] == types[1]["type"] && types[0]["subject"] == types[1]["subject"])
            #expect(types[0]["type"] != "dev.tributary.provider.unmapped")
        }
    }

    @Test func `a recording of a stream is about the medium and not about the stream`() throws {
        let whole = try event(
            """
            {"type":"video.media.live_stream.created","object":{"type":"media","id":"m"},\
            "data":{"id":"m","streamId":"s"}}
            """)
        #expect(whole.attributes["subject"] == "assets/m" && whole.attributes["partitionkey"] == "m")
        let bare = try event(#"{"type":"video.media.live_stream.created","data":{"id":"m","streamId":"s"}}"#)
        #expect(bare.attributes["subject"] == "assets/m" && bare.attributes["partitionkey"] == "m")
    }

    @Test(arguments: [
        (#"{"type":"video.live_stream.srt_detected","object":{"type":"live","id":"s"}}"#, "streams/s"),
        (#"{"type":"video.live_stream.rtmps_detected","data":{"streamId":"s"}}"#, "streams/s"),
        (
            #"{"type":"video.live_stream.simulcast_target.failed","object":{"type":"live-stream","id":"s"}}"#,
            "streams/s"
        ),
        (#"{"type":"video.media.live_clip.ready","object":{"type":"media","id":"m"}}"#, "assets/m"),
        (#"{"type":"video.media.watermark.ready","object":{"id":"m"},"data":{"id":"w"}}"#, "assets/m"),
        (#"{"type":"video.media.outro.ready","data":{"id":"m"}}"#, "assets/m"),
        (#"{"type":"video.upload.created","object":{"type":"media","id":"m"}}"#, "assets/m"),
        (#"{"type":"video.playback_id.created","object":{"type":"media","id":"m"},"data":{"id":"p"}}"#, "assets/m"),
        (#"{"type":"video.media.live_stream.ended","object":{"type":"live","id":"s"},"data":{"id":"m"}}"#, "streams/s"),
    ])
    func `types that nothing published names are unmapped and still about something`(
        body: String, subject: String
    ) throws {
        let attributes = try event(body).attributes
        #expect(attributes["type"] == "dev.tributary.provider.unmapped" && attributes["subject"] == subject)
        #expect(attributes["partitionkey"] == String(subject.drop { $0 != "/" }.dropFirst()))
    }

    @Test func `stream keys and SRT secrets are hidden at any depth in every spelling`() throws {
        let body = """
            {"type":"x","streamKey":"1","data":{"srtSecret":"2","srtSecert":"3","simulcasts":[{"streamKey":"4"},\
            [{"stream_key":"5","srt_secret":{"a":"6"}}]],"streamKeys":"kept","streamKey":null}}
            """
        let expected = """
            {"type":"x","streamKey":"[redacted]","data":{"srtSecret":"[redacted]","srtSecert":"[redacted]",\
            "simulcasts":[{"streamKey":"[redacted]"},[{"stream_key":"[redacted]","srt_secret":"[redacted]"}]],\
            "streamKeys":"kept","streamKey":null}}
            """
        #expect(String(decoding: try event(body).payload ?? [], as: UTF8.self) == expected)
    }
}
