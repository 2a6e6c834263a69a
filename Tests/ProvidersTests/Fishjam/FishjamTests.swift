import Events
import Foundation
import SeededRandom
import SwiftProtobuf
import Testing
import WebhookSamples
import Wire

@testable import Normalisation
@testable import Providers

/// 2026-10-05T14:49:14.5Z as the ingress' clock, in nanoseconds.
private let receivedAt: Int64 = 1_791_211_754_500_000_000

struct FishjamTests {
    typealias Notification = FishjamServerMessage

    private let normaliser = FishjamProvider.makeNormaliser(MappingOptions())

    private func normalise(_ body: [UInt8]) throws -> (outcome: StageOutcome?, record: Record) {
        var record = Record.verified(source: "fishjam", body: body, receivedAtNanoseconds: receivedAt)
        let outcome = try record.pass { view, writer in
            VerifiedWebhook(view).map { normaliser.normalise($0, into: &writer) }
        }
        return (outcome, record)
    }

    private func events(_ body: [UInt8]) throws -> [Record.Event] {
        let (outcome, record) = try normalise(body)
        #expect(outcome == .passed)
        return try record.events()
    }

    private func events(_ content: Notification.OneOf_Content?) throws -> [Record.Event] {
        try events(Notification.with { $0.content = content }.serializedBytes())
    }

    private func text(_ event: Record.Event?) -> String? {
        event?.payload.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `every recorded notification has the golden attributes`() throws {
        let golden = try SampleLibrary.goldenAttributes()
        var count = 0
        for sample in try SampleLibrary.samples(of: "fishjam") {
            let events = try events(sample.body)
            var attributes = try #require(events.first).attributes
            #expect(events.count == 1)
            #expect(attributes.removeValue(forKey: "datacontenttype") == "application/json")
            let id = attributes.updateValue("<uuidv7 at ingest>", forKey: "id") ?? ""
            #expect(UUID(uuidString: id) != nil && id.dropFirst(14).first == "7")
            #expect(attributes.updateValue("<ingest>", forKey: "time") == "2026-10-05T14:49:14.5Z")
            guard var expected = golden[sample.description] else {
                #expect(attributes["provider"] == "fishjam" && attributes["providertype"] != nil)
                continue
            }
            if expected["partitionkey"] == "<connection>" { expected["partitionkey"] = "fishjam" }
            #expect(attributes == expected, "\(sample)")
            count += 1
        }
        #expect(count == golden.keys.count { $0.hasPrefix("fishjam/") } && count > 10)
    }

    @Test func `notifications of later versions are read, and what is new in them`() throws {
        for (file, type, subject, json) in [
            (
                "peer_connected.peer_type", "participant.joined",
                "rooms/b2e7d6a4-6b0f-4a52-9f53-0f3a9e8c1d11/peers/0e1c7f2a-9d4b-4b6e-8a3e-5c2d1f0b9a77",
                #"{"peerConnected":{"roomId":"b2e7d6a4-6b0f-4a52-9f53-0f3a9e8c1d11","#
                    + #""peerId":"0e1c7f2a-9d4b-4b6e-8a3e-5c2d1f0b9a77","peerType":"PEER_TYPE_AGENT"}}"#
            ),
            (
                "viewer_connected", "viewer.joined", "streams/stream-1/viewers/viewer-1",
                #"{"viewerConnected":{"streamId":"stream-1","viewerId":"viewer-1"}}"#
            ),
            (
                "streamer_disconnected", "ingress.stopped", "streams/stream-1/streamers/streamer-1",
                #"{"streamerDisconnected":{"streamId":"stream-1","streamerId":"streamer-1"}}"#
            ),
            (
                "recording_status_changed.available", "recording.ready", "recordings/rec-1",
                #"{"recordingStatusChanged":{"recordingId":"rec-1","status":"STATUS_AVAILABLE","#
                    + #""metadata":"{\"a\":1}"}}"#
            ),
        ] {
            let body = try SampleLibrary.contents("fishjam/forward-compat-0.31/\(file).bin")
            let event = try #require(try events(Array(body)).first)
            #expect(event.attributes["type"] == "dev.tributary.\(type)" && event.attributes["subject"] == subject)
            #expect(text(event) == json)
        }
    }

    @Test func `every variant is mapped as published`() throws {
        let rows = try #require(try SampleLibrary.mapping()["fishjam"])
        var seen: Set<String> = []
        for type in FishjamTypes.all {
            let row = try #require(rows[type.providerType])
            seen.insert(type.providerType)
            switch type.providerType {
            case "recording_status_changed":
                #expect(["started", "stopped", "ready", "failed"].contains { "recording.\($0)" == type.canonicalType })
            default: #expect(type.canonicalType == row.canonical)
            }
            let endpoint = row.subject.replacing("{peers|components}/{endpoint_id}", with: "peers/{peer_id}")
            let other = row.subject.replacing("{peers|components}/{endpoint_id}", with: "components/{component_id}")
            #expect(type.subject == endpoint || type.subject == other)
        }
        #expect(seen == Set(rows.keys))
        #expect(Set(FishjamSamples.types).isSuperset(of: rows.keys) && FishjamSamples.types.count == 34)
        for type in FishjamSamples.types where type != "notification_batch" {
            let body = try #require(FishjamSamples.body(of: type))
            let event = try #require(try events(body).first)
            #expect(event.attributes["providertype"] == type)
            let canonical = rows[type]?.canonical.replacing("{started|stopped|ready|failed}", with: "ready")
            #expect(event.attributes["type"] == "dev.tributary.\(canonical ?? "provider.unmapped")")
        }
        let batch = try #require(FishjamSamples.body(of: "notification_batch"))
        #expect(try events(batch).count == 3)
        #expect(FishjamSamples.body(of: "nothing") == nil)
    }

    @Test func `a status decides what happened to a recording`() throws {
        for (status, type) in [
            (1, "recording.started"), (2, "recording.stopped"), (3, "recording.ready"), (4, "recording.failed"),
            (0, "provider.unmapped"), (9, "provider.unmapped"), (-1, "provider.unmapped"),
        ] {
            let recording = Notification.RecordingStatusChanged.with {
                $0.recordingID = "r"
                $0.status = Notification.RecordingStatusChanged.Status(rawValue: status) ?? .unspecified
            }
            let event = try #require(try events(.recordingStatusChanged(recording)).first)
            #expect(event.attributes["type"] == "dev.tributary.\(type)")
            #expect(event.attributes["providertype"] == "recording_status_changed")
            #expect(event.attributes["subject"] == "recordings/r" && event.attributes["partitionkey"] == "r")
        }
    }

    @Test func `a subject ends before the first value that is empty`() throws {
        for (content, subject, key) in [
            (.peerConnected(.with { $0.peerID = "p" }), nil, nil),
            (.peerConnected(.with { $0.roomID = "r" }), "rooms/r", "r"),
            (.trackAdded(.with { $0.roomID = "r" }), "rooms/r", "r"),
            (.trackAdded(.with { ($0.roomID, $0.track) = ("r", .with { $0.id = "t" }) }), "rooms/r", "r"),
            (.trackAdded(.with { ($0.roomID, $0.componentID) = ("r", "c") }), "rooms/r/components/c", "r"),
            (
                .trackRemoved(.with { ($0.roomID, $0.peerID, $0.track.id) = ("r", "p", "t") }),
                "rooms/r/peers/p/tracks/t", "r"
            ),
            (.viewerConnected(.with { $0.streamID = "s" }), "streams/s", "s"),
            (.roomCreated(.with { $0.roomID = String(repeating: "r", count: 1025) }), nil, nil),
            (.roomCreated(.with { $0.roomID = "a\nb\u{85}é" }), "rooms/a%0Ab%C2%85é", "a%0Ab%C2%85é"),
        ] as [(Notification.OneOf_Content, String?, String?)] {
            let event = try #require(try events(content).first)
            #expect(event.attributes["subject"] == subject && event.attributes["partitionkey"] == key)
        }
    }

    @Test func `what belongs to the handshake is unmapped and tells no token`() throws {
        for (content, type, json) in [
            (.authenticated(.init()), "authenticated", #"{"authenticated":{}}"#),
            (.authRequest(.with { $0.token = "s3cr3t" }), "auth_request", #"{"authRequest":{"token":"[redacted]"}}"#),
            (.authRequest(.init()), "auth_request", #"{"authRequest":{}}"#),
            (
                .subscribeRequest(.with { $0.eventType = .metrics }), "subscribe_request",
                #"{"subscribeRequest":{"eventType":"EVENT_TYPE_METRICS"}}"#
            ),
            (.subscribeResponse(.init()), "subscribe_response", #"{"subscribeResponse":{}}"#),
        ] as [(Notification.OneOf_Content, String, String)] {
            for isBatched in [false, true] {
                let batch = Notification.NotificationBatch.with { $0.notifications = [.with { $0.content = content }] }
                let event = try #require(try events(isBatched ? .notificationBatch(batch) : content).first)
                #expect(event.attributes["type"] == "dev.tributary.provider.unmapped")
                #expect(event.attributes["providertype"] == type && event.attributes["subject"] == nil)
                #expect(text(event) == json && !event.isWholeBody)
            }
        }
    }

    @Test func `what this build does not know is unmapped and called by its number`() throws {
        for (body, type) in [
            ([0x9A, 0x02, 0x03, 0x0A, 0x01, 0x61], "field_35"), ([0xA2, 0x06, 0x00], "field_100"),
            ([0x98, 0x02, 0x01], nil), ([0x9D, 0x02, 1, 2, 3, 4], nil),
            ([0x98, 0x02, 0x01, 0xA2, 0x06, 0x00], "field_100"),
        ] as [([UInt8], String?)] {
            let event = try #require(try events(body).first)
            #expect(event.attributes["type"] == "dev.tributary.provider.unmapped")
            #expect(event.attributes["providertype"] == type && text(event) == "{}")
        }
        // A field that a later version may add, beside the variant and in it.
        let known: [UInt8] = [0x52, 0x05, 0x0A, 0x01, 0x72, 0x50, 0x07, 0x9A, 0x06, 0x01, 0x00]
        let event = try #require(try events(known).first)
        #expect(
            event.attributes["type"] == "dev.tributary.room.created"
                && text(event) == #"{"roomCreated":{"roomId":"r"}}"#)
    }

    @Test(
        arguments: [
            ([], RejectionCode.typeMissing), ([0x0A], .bodyNotProtobuf), ([0x0A, 0x05, 0x61], .bodyNotProtobuf),
            ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], .bodyNotProtobuf),
            ([0x00, 0x00], .bodyNotProtobuf), ([0x0B], .bodyNotProtobuf), ([0x0C], .bodyNotProtobuf),
            ([0x52, 0x03, 0x0A, 0x01, 0xFF], .bodyNotProtobuf),
            ([0x52, 0x04, 0x0A, 0x02, 0xED, 0xA0], .bodyNotProtobuf),
            (Array(#"{"type":"custom"}"#.utf8), .bodyNotProtobuf), (Array("hello".utf8), .bodyNotProtobuf),
        ] as [([UInt8], RejectionCode)])
    func `what is no notification is refused with a code`(body: [UInt8], code: RejectionCode) throws {
        let (outcome, record) = try normalise(body)
        guard case .refused(let rejection) = outcome else {
            Issue.record("\(body) was not refused")
            return
        }
        #expect(rejection.code == code && rejection.stage == .normaliser && !rejection.detail.isEmpty)
        #expect(try record.section(.events) == nil)
    }
}
