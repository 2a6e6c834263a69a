import Events
import Primitives
import Testing
import WebhookSamples
import Wire

@testable import Normalisation
@testable import Providers
@testable import Verification

/// Bodies that are right, but not as their sender's other bodies are: with a byte order mark, with a wrong label.
struct BodyReadingTests {
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private static let bodies: [(provider: String, body: String)] = [
        ("stream", #"{"type":"custom","call_cid":"a:b","created_at":"2026-10-05T14:49:14Z"}"#),
        ("stream", #"{"type":"ingress.started","call_cid":"a:b","client_ip":"1.2.3.4"}"#),
        ("fastpix", #" {"type":"video.media.ready","id":"1","object":{"type":"media","id":"m"}}"#),
        ("superviz", #"{"event":"a","roomId":"r","apiKey":"k"}"#),
        ("superviz", #"[{"event":"a","roomId":"r"}, {"event":"b","apiKey":"k"}]"#),
        ("livekit", #"{"event":"room_started","id":"E","room":{"name":"n","turnPassword":"p"}}"#),
        ("mux", #"{"type":"video.asset.ready","id":"1","data":{"id":"a"}}"#),
        ("daily", #"{"type":"meeting.started","id":"1","payload":{"room":"r"}}"#),
        ("eyeson-streamrec", #"{"status":"upload_ready","rec_id":"1","client_id":"c"}"#),
        ("zoom", #"{"event":"meeting.started","event_ts":1791211754142}"#),
        ("agora", #"{"noticeId":"1","eventType":1}"#),
        ("twilio", #"{"StatusCallbackEvent":"room-created"}"#), ("generic", #"{"a":1}"#), ("generic", "[1,2]"),
        ("standard-webhooks", #"{"type":"a","timestamp":"2026-10-05T14:49:14Z"}"#),
    ]

    @Test(arguments: bodies)
    func `a byte order mark before JSON is passed over, and data has none`(provider name: String, body: String) throws {
        let provider = try #require(ProviderRegistry.provider(named: name))
        let plain = try Normalised(provider, body)
        let marked = try Normalised(provider, Self.mark + Array(body.utf8))
        #expect(marked.outcome == .passed && !marked.events.isEmpty)
        #expect(marked.events.map(\.attributes) == plain.events.map(\.attributes))
        #expect(marked.events.map(\.payload) == plain.events.map(\.payload))
        #expect(try Normalised(provider, Self.mark + Self.mark + Array(body.utf8)).code == .bodyNotJSON)
        let cut = try Normalised(provider, Self.mark.dropLast() + Array(body.utf8))
        #expect(cut.code == .bodyNotJSON)
    }

    @Test func `elements of a mapping are found behind a byte order mark`() throws {
        let options = MappingOptions(pointers: PointerMapping(elements: "/events", type: "/kind", redactions: ["/key"]))
        let body = Self.mark + Array(#"{"events":[{"kind":"a"}, {"kind":"b","key":"k"}]}"#.utf8)
        let found = try Normalised(GenericProvider.self, body, options: options)
        let payloads = found.events.map { String(decoding: $0.payload ?? [], as: UTF8.self) }
        #expect(payloads == [#"{"kind":"a"}"#, #"{"kind":"b","key":"[redacted]"}"#])
    }

    @Test func `a byte order mark alone is a probe where nothing is one`() throws {
        #expect(try Normalised(FastPixProvider.self, Self.mark).events.isEmpty)
        #expect(try Normalised(FastPixProvider.self, Self.mark).outcome == .passed)
        #expect(try Normalised(MuxProvider.self, Self.mark).code == .bodyNotJSON)
    }

    @Test(
        arguments: bodies,
        [
            "application/x-www-form-urlencoded", "Application/X-WWW-Form-URLencoded; charset=utf-8", "text/plain",
            "application/octet-stream", "application/xml", "",
        ])
    func `JSON is read as JSON, whatever it is labelled`(sample: (provider: String, body: String), label: String) throws
    {
        let provider = try #require(ProviderRegistry.provider(named: sample.provider))
        let plain = try Normalised(provider, sample.body)
        let labelled = try Normalised(provider, sample.body, fields: [("Content-Type", label)])
        #expect(labelled.outcome == .passed)
        #expect(labelled.events.map(\.attributes) == plain.events.map(\.attributes))
        #expect(labelled.events.map(\.payload) == plain.events.map(\.payload))
    }

    @Test func `what is labelled as a form and no JSON is a form where forms are sent`() throws {
        let form = [(name: "content-type", value: "application/x-www-form-urlencoded")]
        for (body, payload) in [
            ("{=1", #"{"{":"1"}"#), (#"{"a":1}=b"#, #"{"{\"a\":1}":"b"}"#), ("[a]=1", #"{"[a]":"1"}"#),
            ("%7B%22a%22%3A1%7D", #"{"{\"a\":1}":""}"#), ("1", #"{"1":""}"#), ("", "{}"),
        ] {
            #expect(try Normalised(GenericProvider.self, body, fields: form).payload == payload, "\(body)")
            #expect(try Normalised(TwilioProvider.self, body, fields: form).payload == payload, "\(body)")
        }
        #expect(try Normalised(ZoomProvider.self, "a=1", fields: form).code == .bodyNotJSON)
        #expect(try Normalised(HundredMSProvider.self, "a=1", fields: form).code == .bodyNotJSON)
    }

    @Test func `a form has no more parameters than names, however often they are repeated`() throws {
        let form = [(name: "content-type", value: "application/x-www-form-urlencoded")]
        let most = Array(repeating: "a=1", count: FormReader.mostParameters)
        #expect(
            try Normalised(GenericProvider.self, most.joined(separator: "&"), fields: form).payload
                == #"{"a":["# + Array(repeating: "\"1\"", count: most.count).joined(separator: ",") + "]}")
        for count in [FormReader.mostParameters + 1, 250_000] {
            let body = Array(repeating: "a=1", count: count).joined(separator: "&")
            #expect(try Normalised(GenericProvider.self, body, fields: form).code == .bodyNotJSON)
        }
    }

    @Test func `nothing behind the last parameter of a form that is too long is looked at`() {
        var visited = 0
        let body = Array(String(repeating: "a=1&", count: 250_000).utf8)
        body.withUnsafeBytes { bytes in
            QueryText.forEachParameter(bytes) { _, _ in
                visited += 1
                return visited < 3
            }
        }
        #expect(visited == 3)
    }
}
