package import JSON
import Primitives

/// Providers that are a signature and a `PointerMapping`: their events are all `provider.unmapped`, with `providertype`,
/// id, time and subject. One that gets canonical types gets a folder of its own.
package protocol PresetProvider: Provider {
    static var mapping: PointerMapping { get }
}

extension PresetProvider {
    /// A source's own pointers win over the preset; its credentials stay hidden.
    package static var payload: PayloadForm { .pointers(mapping) }

    package static var idSource: String { mapping.id.map { "`\($0)`" } ?? "SHA-256 of the canonical form (RFC 8785)" }
    package static var timeSource: String { mapping.time.map { "`\($0)`" } ?? Self.receivedAt }
}

/// Zoom Meetings, Webinars and Video SDK (developers.zoom.us, "Using webhooks"): no event id, time in milliseconds.
package enum ZoomProvider: PresetProvider {
    package static let name = "zoom"
    package static let attribute: StaticString = "zoom"
    package static let signing = Signing.always(SchemePresets.zoom)
    /// 200 or 204 within three seconds; anything else is sent again up to three times ("Resolving webhook delays").
    package static let answer: SuccessAnswer? = .okJSON

    /// Passcodes of meetings and recordings in their many names, tokens to start, join and download with, the host's key,
    /// and where a meeting is streamed to. `join_url` and `start_url` are hidden by the `pwd` and `zak` in them.
    package static let credentials = Credentials([
        "download_access_token", "download_token", "encrypted_password", "encrypted_passcode", "h323_password",
        "h323_passcode", "host_key", "join_token", "phone_passcode", "phone_password", "play_passcode", "pstn_password",
        "recording_play_passcode", "start_url", "stream_url", "zak",
    ])

    package static let mapping = PointerMapping(
        type: "/event", time: "/event_ts", timeUnit: .milliseconds, subject: "objects/{/payload/object/id}",
        partitionKey: "/payload/object/id")
}

/// Twilio Video status callbacks and others like them (twilio.com/docs, "Status Callbacks"): forms, whose parameters
/// become an object of strings, or JSON.
package enum TwilioProvider: PresetProvider {
    package static let name = "twilio"
    package static let attribute: StaticString = "twilio"
    package static let signing = Signing.always(SchemePresets.twilio)
    /// A body that is no XML is reported to the account as error 12300, also with 2xx.
    package static let answer: SuccessAnswer? = SuccessAnswer(
        status: 200, body: "<Response/>", contentType: "text/xml")

    package static let sendsForms = true

    /// Forms have parameters in Pascal case, JSON has any.
    package static let credentials = Credentials(spellings: [.pascal, .camel, .snake])

    package static let mapping = PointerMapping(
        type: "/StatusCallbackEvent", time: "/Timestamp", subject: "rooms/{/RoomSid}", partitionKey: "/RoomSid")
}

/// Agora (docs.agora.io, "Receive notifications"): `eventType` is a number that means something only together with
/// `productId`; `notifyMs` is the time of sending and changes with every retry.
package enum AgoraProvider: PresetProvider {
    package static let name = "agora"
    package static let attribute: StaticString = "agora"
    package static let signing = Signing.always(SchemePresets.agora)
    /// Only 200 with a JSON body within ten seconds; anything else is sent again up to three times.
    package static let answer: SuccessAnswer? = .okJSON

    /// Media Gateway names the stream key, Media Push and Pull the addresses that hold one.
    package static let credentials = Credentials(
        ["rtmp_url", "stream_url"], spellings: [.camel, .snake])

    package static let mapping = PointerMapping(
        type: "/eventType", id: "/noticeId", time: "/payload/ts", timeUnit: .seconds,
        subject: "channels/{/payload/channelName}", partitionKey: "/payload/channelName")
}

/// Cloudflare Stream, video on demand (developers.cloudflare.com/stream, "Use webhooks"): the body is the video; what
/// happened is its state. The same video is ready or failed once, so no id is given and none is made up.
package enum CloudflareStreamProvider: PresetProvider {
    package static let name = "cloudflare-stream"
    package static let attribute: StaticString = "cloudflare-stream"
    package static let signing = Signing.always(SchemePresets.cloudflareStream)

    /// Of live inputs, the keys of RTMPS, the passphrase of SRT, and the WHIP and WHEP addresses, whose path is the secret;
    /// of uploads, the address that they are put to.
    package static let credentials = Credentials(
        spellings: [.camel, .snake],
        places: ["*.webRTC.url", "webRTC.url", "*.webRTCPlayback.url", "webRTCPlayback.url", "**.uploadURL"])

    package static let mapping = PointerMapping(
        type: "/status/state", time: "/modified", subject: "assets/{/uid}", partitionKey: "/uid")
}

/// 100ms (100ms.live/docs, "Webhooks"): signs nothing; a header of one's own choice can be set in its dashboard, which
/// a source checks with a verification of kind token.
package enum HundredMSProvider: PresetProvider {
    package static let name = "100ms"
    package static let attribute: StaticString = "100ms"
    package static let signing = Signing.never
    /// It documents 200 and sends anything else again after 1, 3 and 10 s.
    package static let answer: SuccessAnswer? = .okJSON

    /// Where a room is streamed to, and addresses that let one in. Left are links to what is ready to be downloaded.
    package static let credentials = Credentials(
        ["meeting_url", "rtmp_url", "rtmp_urls"],
        left: [
            "**.recording_presigned_url", "**.chat_recording_presigned_url", "**.transcript_txt_presigned_url",
            "**.transcript_srt_presigned_url", "**.transcript_json_presigned_url", "**.summary_json_presigned_url",
        ])

    package static let mapping = PointerMapping(
        type: "/type", id: "/id", time: "/timestamp", subject: "rooms/{/data/room_id}",
        partitionKey: "/data/room_id")
}

/// Whoever sends Standard Webhooks (standard-webhooks/standard-webhooks, `spec/standard-webhooks.md`).
package enum StandardWebhooksProvider: PresetProvider {
    package static let name = "standard-webhooks"
    package static let attribute: StaticString = "standard-webhooks"
    package static let signing = Signing.always(SchemePresets.standardWebhooks)

    package static let mapping = PointerMapping(type: "/type", time: "/timestamp")
    package static let idSource = "`webhook-id`"
    package static let payload = PayloadForm.pointers(mapping, idField: "webhook-id")
}
