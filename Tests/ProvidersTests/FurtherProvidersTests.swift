import Events
import Foundation
import Testing
import WebhookSamples

@testable import Normalisation
@testable import Providers

/// LiveKit, Mux and Daily with tables of their own, and the providers that are a signature and pointers.
struct FurtherProvidersTests {
    private func attributes(
        _ name: String, _ body: String, fields: [(name: String, value: String)] = []
    ) throws -> [String: String] {
        let provider = try #require(ProviderRegistry.provider(named: name))
        return try Normalised(provider, body, fields: fields).attributes()
    }

    @Test func `LiveKit's webhook is mapped with its time in seconds as text`() throws {
        let attributes = try attributes(
            "livekit",
            """
            {"event":"participant_joined","room":{"sid":"RM_hycBMAjmt6Ub","name":"town-hall-42"},"participant":\
            {"sid":"PA_1","identity":"john","joinedAt":"1791211754"},"id":"EV_7nKkN7Rsxq9H","createdAt":"1791211754"}
            """)
        #expect(
            attributes == [
                "type": "dev.tributary.participant.joined", "source": "/sources/livekit", "id": "EV_7nKkN7Rsxq9H",
                "subject": "rooms/town-hall-42/participants/john", "partitionkey": "town-hall-42",
                "time": "2026-10-05T14:49:14Z", "timesource": "provider", "provider": "livekit",
                "providertype": "participant_joined", "datacontenttype": "application/json",
            ])
    }

    @Test func `LiveKit's egress and ingress name their room, or stand for themselves`() throws {
        let inRoom = try attributes(
            "livekit",
            #"{"event":"egress_ended","egressInfo":{"egressId":"EG_1","roomName":"r","status":"EGRESS_COMPLETE"}}"#)
        #expect(inRoom["subject"] == "rooms/r/egress/EG_1" && inRoom["partitionkey"] == "r")
        let ofPage = try attributes("livekit", #"{"event":"egress_started","egressInfo":{"egressId":"EG_1"}}"#)
        #expect(ofPage["subject"] == "egress/EG_1" && ofPage["partitionkey"] == "EG_1")
        let ingress = try attributes("livekit", #"{"event":"ingress_ended","ingressInfo":{"ingressId":"IN_1"}}"#)
        #expect(ingress["subject"] == "ingress/IN_1" && ingress["type"] == "dev.tributary.ingress.stopped")
    }

    @Test func `Mux's webhook is mapped, and what Mux has no name for here is passed on`() throws {
        let active = try attributes(
            "mux",
            """
            {"type":"video.live_stream.active","id":"3a56ac3d","created_at":"2026-10-05T14:49:14.000000Z",\
            "object":{"type":"live","id":"live_abc"},"data":{"id":"live_abc","status":"active"},"attempts":[]}
            """)
        #expect(active["type"] == "dev.tributary.stream.started" && active["subject"] == "streams/live_abc")
        #expect(active["id"] == "3a56ac3d" && active["time"] == "2026-10-05T14:49:14.000000Z")
        let rendition = try attributes(
            "mux",
            #"{"type":"video.asset.static_rendition.ready","object":{"id":"r-1"},"data":{"id":"r-1","asset_id":"a-1"}}"#
        )
        #expect(rendition["subject"] == "assets/a-1" && rendition["partitionkey"] == "a-1")
        let warning = try attributes("mux", #"{"type":"video.asset.warning","object":{"id":"a-1"}}"#)
        #expect(warning["type"] == "dev.tributary.provider.unmapped" && warning["subject"] == "objects/a-1")
    }

    @Test func `Daily's webhook is mapped with the fraction of its time`() throws {
        let joined = try attributes(
            "daily",
            """
            {"version":"1.0.0","type":"participant.joined","id":"ptcpt-join-1","payload":{"room":"town-hall-42",\
            "session_id":"s-1","joined_at":1791211754.1},"event_ts":1791211754.2}
            """)
        #expect(joined["subject"] == "rooms/town-hall-42/participants/s-1")
        #expect(joined["time"] == "2026-10-05T14:49:14.2Z" && joined["id"] == "ptcpt-join-1")
        let recording = try attributes(
            "daily", #"{"type":"recording.started","payload":{"recording_id":"rec-1","action":"x"}}"#)
        #expect(recording["subject"] == "recordings/rec-1" && recording["partitionkey"] == "rec-1")
        let dialled = try attributes("daily", #"{"type":"dialin.connected","payload":{"room":"town-hall-42"}}"#)
        #expect(dialled["type"] == "dev.tributary.provider.unmapped" && dialled["subject"] == "rooms/town-hall-42")
    }

    @Test func `LiveKit's names are read in camel case and in snake case`() throws {
        let camel = try attributes(
            "livekit",
            #"{"event":"egress_started","id":"E","createdAt":"1692985556","egressInfo":{"egressId":"e","roomName":"r"}}"#
        )
        let snake = try attributes(
            "livekit",
            #"{"event":"egress_started","id":"E","created_at":"1692985556","egress_info":{"egress_id":"e","room_name":"r"}}"#
        )
        #expect(camel == snake && camel["subject"] == "rooms/r/egress/e" && camel["timesource"] == "provider")
        let ingress = try attributes(
            "livekit", #"{"event":"ingress_started","ingress_info":{"ingress_id":"i","room_name":"r"}}"#)
        #expect(ingress["subject"] == "rooms/r/ingress/i" && ingress["partitionkey"] == "r")
    }

    @Test func `keys of streams and stores reach no subscriber`() throws {
        for (name, body) in [
            ("mux", #"{"type":"video.live_stream.created","data":{"stream_key":"s3cr3t","srt_passphrase":"s3cr3t"}}"#),
            (
                "mux",
                #"{"type":"video.live_stream.created","data":{"simulcast_targets":[{"id":"t","stream_key":"s3cr3t"}]}}"#
            ),
            ("daily", #"{"type":"streaming.started","payload":{"endpoints":[{"endpoint":"rtmps://x/s3cr3t"}]}}"#),
            ("livekit", #"{"event":"ingress_started","ingressInfo":{"ingressId":"i","streamKey":"s3cr3t"}}"#),
            ("livekit", #"{"event":"egress_started","egressInfo":{"stream":{"urls":["rtmp://x/s3cr3t"]}}}"#),
            (
                "livekit",
                #"{"event":"egress_ended","egressInfo":{"streamResults":[{"url":"rtmp://x/s3cr3t","duration":"1"}]}}"#
            ),
            (
                "livekit",
                #"{"event":"egress_ended","egressInfo":{"roomComposite":{"streamOutputs":[{"urls":["s3cr3t"]}]}}}"#
            ),
            ("livekit", #"{"event":"egress_ended","egressInfo":{"file":{"s3":{"secret":"s3cr3t"}}}}"#),
        ] {
            let provider = try #require(ProviderRegistry.provider(named: name))
            let payload = try #require(Normalised(provider, body).payload)
            #expect(!payload.contains("s3cr3t") && payload.contains(#""[redacted]""#), "\(body)")
        }
    }

    @Test func `every line of their tables can be reached`() throws {
        for name in ["livekit", "mux", "daily"] {
            let provider = try #require(ProviderRegistry.provider(named: name))
            let field = name == "livekit" ? "event" : "type"
            #expect(provider.types.count >= 12)
            for type in provider.types {
                let attributes = try attributes(name, "{\"\(field)\":\"\(type.providerType)\"}")
                #expect(attributes["type"] == "dev.tributary.\(type.canonicalType)")
                #expect(attributes["subject"] == nil && attributes["timesource"] == "ingest")
            }
            #expect(try Normalised(provider, "{}").code == .typeMissing)
            #expect(try Normalised(provider, "[]").code == .bodyNotObject)
        }
    }

    @Test(
        arguments: [
            (
                "zoom",
                #"{"event":"meeting.participant_joined","event_ts":1791211754142,"payload":{"object":{"id":"111"}}}"#,
                "meeting.participant_joined", "objects/111", "111", "2026-10-05T14:49:14.142Z", "sha256:"
            ),
            (
                "agora",
                #"{"noticeId":"2000001428:4330:107","eventType":103,"payload":{"channelName":"hall","ts":1791211754}}"#,
                "103", "channels/hall", "hall", "2026-10-05T14:49:14Z", "2000001428:4330:107"
            ),
            (
                "cloudflare-stream",
                #"{"uid":"6b9e","status":{"state":"ready"},"modified":"2026-10-05T14:49:14.076571Z"}"#, "ready",
                "assets/6b9e", "6b9e", "2026-10-05T14:49:14.076571Z", "sha256:"
            ),
            (
                "100ms",
                #"{"id":"6c75","timestamp":"2021-08-08T07:04:15Z","type":"peer.join.success","data":{"room_id":"60b8"}}"#,
                "peer.join.success", "rooms/60b8", "60b8", "2021-08-08T07:04:15Z", "6c75"
            ),
            (
                "standard-webhooks", #"{"type":"room.created","timestamp":"2026-10-05T14:49:14.142Z","data":{}}"#,
                "room.created", nil, nil, "2026-10-05T14:49:14.142Z", "msg_2KWP"
            ),
        ] as [(String, String, String, String?, String?, String, String)])
    func `a preset gives type, id, time and subject`(
        _ name: String, _ body: String, _ type: String, _ subject: String?, _ key: String?, _ time: String,
        _ id: String
    ) throws {
        let attributes = try attributes(name, body, fields: [("webhook-id", "msg_2KWP")])
        #expect(attributes["type"] == "dev.tributary.provider.unmapped" && attributes["providertype"] == type)
        #expect(attributes["subject"] == subject && attributes["partitionkey"] == key)
        #expect(attributes["time"] == time && attributes["timesource"] == "provider")
        #expect(attributes["id"]?.hasPrefix(id) == true && attributes["provider"] == name)
    }

    @Test func `Twilio's form becomes an object of strings`() throws {
        let form =
            "RoomSid=RM123&RoomName=town+hall%2042&StatusCallbackEvent=participant-connected&ParticipantIdentity=j%C3%B6rg"
            + "&Timestamp=2026-10-05T14%3A49%3A14.142Z&SequenceNumber=3"
        let normalised = try Normalised(
            TwilioProvider.self, form,
            fields: [("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")])
        let attributes = try normalised.attributes()
        #expect(attributes["providertype"] == "participant-connected" && attributes["subject"] == "rooms/RM123")
        #expect(attributes["time"] == "2026-10-05T14:49:14.142Z" && attributes["datacontenttype"] == "application/json")
        #expect(
            normalised.payload == """
                {"RoomSid":"RM123","RoomName":"town hall 42","StatusCallbackEvent":"participant-connected",\
                "ParticipantIdentity":"jörg","Timestamp":"2026-10-05T14:49:14.142Z","SequenceNumber":"3"}
                """)
        let json = try Normalised(TwilioProvider.self, #"{"type":"x"}"#, fields: [("Content-Type", "application/json")])
        #expect(json.payload == #"{"type":"x"}"#)
    }

    @Test func `forms are read strictly`() throws {
        let form = [(name: "Content-Type", value: "application/x-www-form-urlencoded")]
        for (body, json) in [
            ("", "{}"), ("&&", "{}"), ("a", #"{"a":""}"#), ("=", #"{"":""}"#),
            ("a=1&b=2&a=3", #"{"a":["1","3"],"b":"2"}"#),
            ("q=%22%5C%0A", #"{"q":"\"\\\n"}"#), ("a=b=c", #"{"a":"b=c"}"#),
        ] {
            #expect(try Normalised(TwilioProvider.self, body, fields: form).payload == json, "\(body)")
        }
        let many =
            Array(repeating: "a=1", count: 3).joined(separator: "&")
            + (0...FormReader.mostParameters).map { "&p\($0)=" }.joined()
        for body in ["a=%", "a=%4", "a=%zz", "a=%FF", "%C3=1", many] {
            #expect(try Normalised(TwilioProvider.self, body, fields: form).code == .bodyNotJSON, "\(body.prefix(20))")
        }
    }
}
