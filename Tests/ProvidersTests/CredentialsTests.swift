import Testing
import WebhookSamples

@testable import JSON
@testable import Providers

/// No credential in a payload reaches a subscriber, and nothing else is hidden.
struct CredentialsTests {
    private static let secret = "s3cr3t-of-the-sender"

    /// Where the providers' published types carry credentials: `a.*.b` is a member of an array's element. Of LiveKit
    /// every place of `WebhookEvent` (livekit-protocol 1.1.29) of that kind, once per message that has it.
    private static let published: [(provider: String, type: String, places: [String])] = [
        (
            "livekit", #""event":"room_started""#,
            [
                "room.turnPassword", "job.room.turnPassword", "ingressInfo.streamKey", "ingressInfo.url",
                "egressInfo.streamResults.*.url", "egressInfo.stream.info.*.url", "egressInfo.stream.urls.*",
                "egressInfo.egress.outputs.*.stream.urls.*", "egressInfo.roomComposite.streamOutputs.*.urls.*",
                "egressInfo.roomComposite.stream.urls.*", "egressInfo.web.streamOutputs.*.urls.*",
                "egressInfo.track.websocketUrl", "egressInfo.egress.webhooks.*.signingKey",
                "egressInfo.egress.storage.s3.accessKey", "egressInfo.roomComposite.fileOutputs.*.s3.secret",
                "egressInfo.replay.storage.s3.sessionToken", "egressInfo.participant.fileOutputs.*.s3.proxy.password",
                "egressInfo.participant.segmentOutputs.*.gcp.credentials", "egressInfo.track.file.azure.accountKey",
                "egressInfo.trackComposite.segments.aliOSS.secret", "egressInfo.egress.storage.s3.assumeRoleExternalId",
            ]
        ),
        (
            "stream", #""type":"call.updated""#,
            [
                "call.ingress.rtmp.address", "call.ingress.srt.address", "call.ingress.whip.address",
                "call.egress.rtmps.*.stream_key", "call.egress.rtmps.*.stream_url", "client_ip",
            ]
        ),
        (
            "fastpix", #""type":"video.live_stream.created""#,
            [
                "data.streamKey", "data.stream_key", "data.srtSecret", "data.srtSecert", "data.srt_secret",
                "data.srtPlaybackResponse.srtPlaybackSecret", "data.simulcasts.*.streamKey", "data.privateKey",
            ]
        ),
        (
            "mux", #""type":"video.live_stream.created""#,
            [
                "data.stream_key", "data.srt_passphrase", "data.simulcast_targets.*.stream_key", "data.private_key",
                "data.upload.url",
            ]
        ),
        (
            "daily", #""type":"streaming.started""#,
            [
                "payload.endpoints.*.endpoint", "payload.endpoint", "payload.rtmpUrl", "payload.rtmp_url",
                "payload.share_token", "payload.token",
            ]
        ),
        (
            "zoom", #""event":"meeting.created""#,
            [
                "payload.object.password", "payload.object.passcode", "payload.object.encrypted_password",
                "payload.object.h323_password", "payload.object.pstn_password", "payload.object.start_url",
                "payload.object.recording_play_passcode", "payload.object.host_key", "download_token",
                "payload.object.live_streaming.custom_live_streaming_settings.stream_key",
                "payload.object.live_streaming.custom_live_streaming_settings.stream_url",
            ]
        ),
        (
            "cloudflare-stream", #""status":{"state":"ready"}"#,
            [
                "rtmps.streamKey", "rtmpsPlayback.streamKey", "srt.passphrase", "srtPlayback.passphrase", "webRTC.url",
                "data.webRTC.url", "webRTCPlayback.url", "uploadURL",
            ]
        ),
        ("agora", #""eventType":1"#, ["payload.streamKey", "payload.rtmpUrl", "payload.token"]),
        ("100ms", #""type":"a""#, ["data.rtmp_urls.*", "data.meeting_url", "data.auth_token"]),
        ("twilio", #""StatusCallbackEvent":"a""#, ["AuthToken", "Token", "Password"]),
        ("standard-webhooks", #""type":"a""#, ["data.api_key", "data.client_secret"]),
        ("eyeson-streamrec", #""status":"upload_ready""#, ["upload_url", "data.webhook_url", "ice_credentials.*.x"]),
        ("superviz", #""event":"a""#, ["apiKey"]),
    ]

    @Test(arguments: published)
    func `what a provider publishes as a credential is hidden`(
        provider name: String, type: String, places: [String]
    ) throws {
        let provider = try #require(ProviderRegistry.provider(named: name))
        let spellings = name == "livekit" ? places + places.map(Self.inSnakeCase) : places
        for place in spellings {
            let body = "{\(type),\(Self.member(place.split(separator: ".")[...]))}"
            let payload = try #require(Normalised(provider, body).payload, "\(body)")
            #expect(!payload.contains(Self.secret) && payload.contains(#""[redacted]""#), "\(body)")
        }
    }

    private static func member(_ steps: ArraySlice<Substring>) -> String {
        guard let step = steps.first else { return "\"\(secret)\"" }
        let rest = steps.dropFirst()
        guard rest.first == "*" else { return "\"\(step)\":" + value(rest) }
        return "\"\(step)\":[\(value(rest.dropFirst()))]"
    }

    private static func value(_ steps: ArraySlice<Substring>) -> String {
        steps.isEmpty ? "\"\(secret)\"" : "{\(member(steps))}"
    }

    private static func inSnakeCase(_ place: String) -> String {
        if place.contains("aliOSS") { return place }
        return place.map { $0.isUppercase ? "_" + $0.lowercased() : String($0) }.joined()
    }

    @Test(arguments: [
        "rtmp://a.rtmp.youtube.com/live2/yt-key", "rtmps://live.example.com:443/app/k3y", "RTMP://h/app/k",
        "srt://h:9999?streamid=publish:k&passphrase=p", "rtmp://user:pass@h/app", "https://user:pass@h/x",
        "https://h/w/whip/k3y", "whip://h/live/k3y", "https://h/v.m3u8?token=abc", "wss://h/a?x=1&access_token=abc",
        "https://b.s3.amazonaws.com/v?X-Amz-Credential=c&X-Amz-Signature=5e1f", "https://h/a?Signature=ab&Expires=1",
        "https://storage.googleapis.com/b/o?X-Goog-Signature=ab", "https://zoom.us/j/1?pwd=abc", "https://h/cb#jwt=a",
        #"https:\/\/h\/v.m3u8?token=abc"#, #"\u0068ttps://h/v.m3u8?token=abc"#,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl",
    ])
    func `a credential is known by its form, whatever its key`(text: String) throws {
        for (provider, type) in [("mux", "type"), ("livekit", "event"), ("stream", "type"), ("zoom", "event")] {
            let provider = try #require(ProviderRegistry.provider(named: provider))
            let payload = try #require(
                Normalised(provider, #"{"\#(type)":"x","data":{"unheard_of":["\#(text)"]}}"#).payload)
            #expect(payload == #"{"\#(type)":"x","data":{"unheard_of":["[redacted]"]}}"#)
        }
    }

    @Test(arguments: [
        "rtmp://a.rtmp.youtube.com/live2", "rtmps://live.cloudflare.com:443/live/", "srt://live.cloudflare.com:778",
        "https://getstream.io/random_svg/?id=john", "https://h/a@b?page=2", "https://h/a?tokens=3&key", "eyJ.a.b",
        "here://a?token=b", "https://", "rtmp://", "srt://?", "e", "events.v1.created", "https://h/whip/",
    ])
    func `what only resembles a credential stays`(text: String) throws {
        let body = #"{"type":"x","data":{"unheard_of":"\#(text)"}}"#
        #expect(try Normalised(MuxProvider.self, body).payload == body)
    }

    @Test(arguments: [
        (
            "stream",
            #"{"type":"call.recording_ready","call_recording":{"url":"https://h/r.mp4?Expires=1&Signature=s"}}"#
        ),
        ("stream", #"{"type":"custom","custom":{"token":"kept","link":"https://h/a?token=kept"}}"#),
        ("stream", #"{"type":"user.updated","user":{"custom":{"password":"kept"},"image":"https://h/i?Signature=s"}}"#),
        ("superviz", #"{"event":"a","data":{"token":"kept","url":"https://h/a?token=kept"}}"#),
        ("mux", #"{"type":"video.asset.master.ready","data":{"master":{"url":"https://h/m.mp4?signature=s"}}}"#),
        ("livekit", #"{"event":"egress_ended","egressInfo":{"fileResults":[{"location":"https://h/f?sig=s"}]}}"#),
        ("generic", #"{"token":"kept","url":"https://h/a?token=kept"}"#),
    ])
    func `links that an event is for, and the application's own, are left`(provider name: String, body: String) throws {
        let provider = try #require(ProviderRegistry.provider(named: name))
        #expect(try Normalised(provider, body).payload == body)
    }

    @Test func `a mapping of the operator's own hides more, never less`() throws {
        let options = MappingOptions(pointers: PointerMapping(type: "/event", redactions: ["/payload/email"]))
        let body = #"{"event":"a","payload":{"email":"e","password":"p","x":"https://h/?token=t"}}"#
        #expect(
            try Normalised(ZoomProvider.self, body, options: options).payload
                == #"{"event":"a","payload":{"email":"[redacted]","password":"[redacted]","x":"[redacted]"}}"#)
    }

    @Test func `no sample's payload has anything that looks like a credential and is not explained`() throws {
        var payloads = 0
        for file in try SampleLibrary.goldenEvents().keys.sorted() {
            let name = String(file.prefix { $0 != "/" })
            let provider = try #require(ProviderRegistry.provider(named: name), "\(file)")
            for event in try Normalised(provider, Array(SampleLibrary.contents(file))).events {
                #expect(try CredentialScan.unexplained(in: event.payload ?? []) == [], "\(file)")
                payloads += 1
            }
        }
        #expect(payloads > 100)
    }

    @Test func `each provider has a table, and its normaliser follows it`() {
        for provider in ProviderRegistry.all {
            let isOfAnybody = provider == GenericProvider.self || provider == CloudEventsProvider.self
            #expect(provider.credentials.places.isEmpty == isOfAnybody, "\(provider.name)")
        }
        #expect(
            Credentials(["a_b_c"], spellings: [.snake, .camel, .pascal]).places.suffix(3) == [
                "**.a_b_c", "**.aBC", "**.ABC",
            ])
    }
}
