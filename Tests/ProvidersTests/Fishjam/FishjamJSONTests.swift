import Events
import JSON
import SeededRandom
import SwiftProtobuf
import Testing

@testable import Normalisation

struct FishjamJSONTests {
    typealias Notification = FishjamServerMessage

    private func text(_ notification: Notification) throws -> String {
        try text(notification.serializedBytes() as [UInt8])
    }

    private func text(_ bytes: [UInt8]) throws -> String {
        try bytes.withUnsafeBytes { bytes in
            var json: [UInt8] = []
            try FishjamNotification(bytes).write(to: &json)
            return String(decoding: json, as: UTF8.self)
        }
    }

    private func text(_ content: Notification.OneOf_Content) throws -> String {
        try text(.with { $0.content = content })
    }

    private var samples: [Notification] {
        get throws {
            try FishjamSamples.types.filter { $0 != "auth_request" }.map { type in
                try Notification(serializedBytes: #require(FishjamSamples.body(of: type)))
            }
        }
    }

    @Test func `every variant is written as SwiftProtobuf writes it`() throws {
        for notification in try samples {
            #expect(try text(notification) == notification.jsonString())
        }
        for bytes in [[0x12, 0x00], [0x8A, 0x01, 0x02, 0x12, 0x00], [0x8A, 0x01, 0x02, 0x1A, 0x00]] as [[UInt8]] {
            let notification = try Notification(serializedBytes: bytes)
            #expect(try text(notification) == notification.jsonString())
        }
    }

    @Test func `mutated notifications are written as SwiftProtobuf reads them`() throws {
        var generator = SeededGenerator(seed: 12)
        var bodies = FishjamSamples.types.filter { $0 != "auth_request" }.compactMap { FishjamSamples.body(of: $0) }
        bodies.append(try Notification.with { $0.notificationBatch.notifications = try samples }.serializedBytes())
        var compared = 0
        for round in 0..<4000 {
            var bytes = bodies[round % bodies.count]
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: bytes.indices, using: &generator)
                bytes[place] = .random(in: 0...127, using: &generator)
            }
            guard var notification = try? Notification(serializedBytes: bytes) else {
                #expect(throws: FishjamNotification.Failure.malformed) { try text(bytes) }
                continue
            }
            if case .authRequest? = notification.content { continue }
            let written = try text(bytes)
            if written.contains("[redacted]") { continue }
            let other = try notification.jsonString()
            #expect(try Notification(jsonString: written) == Notification(jsonString: other), "\(written)")
            // What JSON has no place for, unknown fields, is all that may differ.
            notification.unknownFields = .init()
            compared += 1
        }
        #expect(compared > 1000)
    }

    @Test func `enumerations are names, or numbers where there is no name`() throws {
        for (value, json) in [
            (0, #"{"vadNotification":{}}"#), (1, #"{"vadNotification":{"status":"STATUS_SILENCE"}}"#),
            (2, #"{"vadNotification":{"status":"STATUS_SPEECH"}}"#), (7, #"{"vadNotification":{"status":7}}"#),
            (-2, #"{"vadNotification":{"status":-2}}"#),
        ] {
            let status = Notification.VadNotification.Status(rawValue: value) ?? .unspecified
            #expect(try text(.vadNotification(.with { $0.status = status })) == json)
        }
        #expect(
            try text(.peerAdded(.with { ($0.peerID, $0.peerType) = ("p", .UNRECOGNIZED(4)) }))
                == #"{"peerAdded":{"peerId":"p","peerType":4}}"#)
    }

    @Test func `text is escaped as JSON wants it and stays as it is otherwise`() throws {
        let reason = "\"\\/\u{8}\t\n\u{c}\r\u{0}\u{1f}\u{7f}é€😀"
        #expect(
            try text(.peerCrashed(.with { ($0.roomID, $0.peerID, $0.reason) = ("r", "p", reason) }))
                == #"{"peerCrashed":{"roomId":"r","peerId":"p","reason":"\"\\/\b\t\n\f\r\u0000\u001f"#
                + "\u{7f}é€😀\"}}")
    }

    @Test func `several notifications, literally`() throws {
        let track = Notification.Track.with { ($0.id, $0.type, $0.metadata) = ("t", .audio, #"{"a":1}"#) }
        for (content, json) in [
            (.roomCreated(.with { $0.roomID = "r" }), #"{"roomCreated":{"roomId":"r"}}"#),
            (
                .trackAdded(.with { ($0.roomID, $0.componentID, $0.track) = ("r", "c", track) }),
                #"{"trackAdded":{"roomId":"r","componentId":"c","track":{"id":"t","type":"TRACK_TYPE_AUDIO","#
                    + #""metadata":"{\"a\":1}"}}}"#
            ),
            (
                .trackForwarding(.with { ($0.roomID, $0.compositionURL, $0.videoTrack) = ("r", "u", track) }),
                #"{"trackForwarding":{"roomId":"r","compositionUrl":"u","videoTrack":{"id":"t","#
                    + #""type":"TRACK_TYPE_AUDIO","metadata":"{\"a\":1}"}}}"#
            ),
            (
                .channelRemoved(.with { ($0.roomID, $0.peerID, $0.channelID) = ("r", "", "c") }),
                #"{"channelRemoved":{"roomId":"r","peerId":"","channelId":"c"}}"#
            ),
            (.metricsReport(.with { $0.metrics = "{}" }), #"{"metricsReport":{"metrics":"{}"}}"#),
            (.notificationBatch(.init()), #"{"notificationBatch":{}}"#),
            (
                .notificationBatch(.with { $0.notifications = [.init(), .with { $0.roomDeleted.roomID = "r" }] }),
                #"{"notificationBatch":{"notifications":[{},{"roomDeleted":{"roomId":"r"}}]}}"#
            ),
        ] as [(Notification.OneOf_Content, String)] {
            #expect(try text(content) == json)
        }
        #expect(try text(Notification()) == "{}")
    }
}
