import Events
import SeededRandom
import SwiftProtobuf
import Testing
import WebhookSamples
import Wire

@testable import Normalisation
@testable import Providers
@testable import SimdJSON

struct FishjamBatchTests {
    typealias Notification = FishjamServerMessage

    private let normaliser = FishjamProvider.makeNormaliser(MappingOptions())

    private func normalise(_ body: [UInt8], replaying elements: [UInt32]? = nil) throws -> (StageOutcome?, Record) {
        var record = Record.verified(source: "fishjam", body: body)
        if let elements {
            record.append {
                ReplayOrigin.write(journal: JournalID(high: 1, low: 2), sequence: 3, elements: elements, to: &$0)
            }
        }
        let outcome = try record.pass { view, writer in
            VerifiedWebhook(view).map { normaliser.normalise($0, into: &writer) }
        }
        return (outcome, record)
    }

    private func batch(_ notifications: [Notification]) -> Notification {
        .with { $0.notificationBatch.notifications = notifications }
    }

    private func peer(_ index: Int) -> Notification {
        .with { $0.peerConnected = .with { ($0.roomID, $0.peerID) = ("room", "peer-\(index)") } }
    }

    private func nested(_ depth: Int) -> Notification {
        (0..<depth).reduce(peer(0)) { inner, _ in batch([inner]) }
    }

    @Test func `a batch of a thousand is a thousand events in order`() throws {
        let (outcome, record) = try normalise(batch((0..<1000).map(peer)).serializedBytes())
        #expect(outcome == .passed)
        let events = try record.events()
        #expect(events.map { $0.attributes["subject"] } == (0..<1000).map { "rooms/room/peers/peer-\($0)" })
        #expect(Set(events.map { $0.attributes["id"] }).count == 1000)
        #expect(events.allSatisfy { $0.attributes["providertype"] == "peer_connected" })
        for index in [0, 1, 999] {
            #expect(
                events[index].payload
                    == Array(#"{"peerConnected":{"roomId":"room","peerId":"peer-\#(index)"}}"#.utf8))
            #expect(
                events[index].attributes["id"]
                    == GeneratedEventID.make(
                        receivedAtNanoseconds: 1, journal: JournalID(high: 7, low: 8), sequence: 1,
                        element: UInt32(index)))
        }
    }

    @Test func `identical notifications are all kept`() throws {
        let (_, record) = try normalise(batch([peer(1), peer(1), peer(1)]).serializedBytes())
        #expect(Set(try record.events().map { $0.attributes["id"] }).count == 3)
    }

    @Test func `an empty batch announces nothing`() throws {
        let (outcome, record) = try normalise([0x8A, 0x02, 0x00])
        #expect(outcome == .passed)
        #expect(try record.events().isEmpty)
        #expect(try record.section(.events) != nil)
    }

    @Test func `an empty notification in a batch is unmapped`() throws {
        let (_, record) = try normalise(batch([peer(0), Notification(), peer(2)]).serializedBytes())
        let events = try record.events()
        #expect(events.count == 3 && events[1].attributes["type"] == "dev.tributary.provider.unmapped")
        #expect(events[1].attributes["providertype"] == nil && events[1].payload == Array("{}".utf8))
    }

    @Test func `a batch in a batch is one unmapped event and hides tokens all the same`() throws {
        let inner = batch([peer(0), .with { $0.authRequest.token = "s3cr3t" }])
        let (outcome, record) = try normalise(batch([inner, peer(1)]).serializedBytes())
        let events = try record.events()
        #expect(outcome == .passed && events.count == 2)
        #expect(events[0].attributes["type"] == "dev.tributary.provider.unmapped")
        #expect(events[0].attributes["providertype"] == "notification_batch")
        #expect(
            String(decoding: events[0].payload ?? [], as: UTF8.self)
                == #"{"notificationBatch":{"notifications":[{"peerConnected":{"roomId":"room","peerId":"peer-0"}},"#
                + #"{"authRequest":{"token":"[redacted]"}}]}}"#)
        #expect(events[1].attributes["subject"] == "rooms/room/peers/peer-1")
    }

    @Test func `the address of a composition is hidden where it is a credential, in JSON and in protobuf`() throws {
        for (url, isHidden) in [
            ("https://composition.example.com/whip/k3y", true), ("https://c.example.com/1?token=t", true),
            ("https://composition.example.com/1", false), ("u", false),
        ] {
            let notifications: [Notification] = [
                .with { $0.trackForwarding = .with { ($0.roomID, $0.compositionURL) = ("r", url) } },
                .with { $0.trackForwardingRemoved = .with { ($0.roomID, $0.compositionURL) = ("r", url) } },
            ]
            let body: [UInt8] = try batch(notifications).serializedBytes()
            let (_, record) = try normalise(body)
            let events = try record.events()
            let originals = try originals(body)
            #expect(events.count == 2 && originals.count == 2)
            for (event, original) in zip(events, originals) {
                let payload = String(decoding: event.payload ?? [], as: UTF8.self)
                #expect(payload.contains(url) == !isHidden && payload.contains("[redacted]") == isHidden, "\(url)")
                #expect(String(decoding: original, as: UTF8.self).contains(url) == !isHidden, "\(url)")
            }
        }
    }

    @Test func `batches of more notifications, or deeper ones, than there can be are refused`() throws {
        func code(_ body: [UInt8]) throws -> RejectionCode? {
            let (outcome, record) = try normalise(body)
            guard case .refused(let rejection) = outcome else { return nil }
            #expect(try record.section(.events) == nil && !rejection.detail.isEmpty)
            return rejection.code
        }
        let most = FishjamNotification.mostNotifications
        let uuid = "b2e7d6a4-6b0f-4a52-9f53-0f3a9e8c1d11"
        let ordinary = Notification.with { $0.peerConnected = .with { ($0.roomID, $0.peerID) = (uuid, uuid) } }
        #expect(try code(batch(Array(repeating: ordinary, count: most)).serializedBytes()) == nil)
        #expect(try code(batch(Array(repeating: ordinary, count: most + 1)).serializedBytes()) == .tooManyElements)
        let bomb: [UInt8] = (0..<524_000).flatMap { _ in [0x0A, 0x00] as [UInt8] }
        let length: [UInt8] = [
            0x80 | UInt8(bomb.count & 0x7F), 0x80 | UInt8(bomb.count >> 7 & 0x7F), UInt8(bomb.count >> 14),
        ]
        #expect(try code([0x8A, 0x02] + length + bomb) == .tooManyElements)
        #expect(try code(nested(FishjamNotification.mostBatches).serializedBytes()) == nil)
        #expect(try code(nested(FishjamNotification.mostBatches + 1).serializedBytes()) == .bodyTooDeep)
        #expect(try code(nested(90).serializedBytes()) == .bodyTooDeep)
        let groups = [UInt8](repeating: 0xA3, count: 200_000).flatMap { [$0, 0x06] as [UInt8] }
        #expect(try code(groups) == .bodyNotProtobuf)
    }

    @Test func `events that would not fit into an envelope are refused`() throws {
        let controls = String(repeating: "\u{1}", count: 1 << 20)
        let body: [UInt8] = try Notification.with { $0.peerCrashed.reason = controls }.serializedBytes()
        let (outcome, record) = try normalise(body)
        guard case .refused(let rejection) = outcome else {
            Issue.record("six mebibytes were written")
            return
        }
        #expect(rejection.code == .bodyTooLargeInflated)
        #expect(try record.section(.events) == nil)
    }

    @Test func `a replay of single elements gives these alone`() throws {
        let body: [UInt8] = try batch((0..<5).map(peer)).serializedBytes()
        let (outcome, record) = try normalise(body, replaying: [1, 3])
        #expect(outcome == .passed)
        #expect(
            try record.events().map { $0.attributes["subject"] } == [
                "rooms/room/peers/peer-1", "rooms/room/peers/peer-3",
            ])
        #expect(try normalise(body, replaying: []).1.events().count == 5)
    }

    @Test func `truncated and changed bytes never trap and give valid text`() throws {
        var generator = SeededGenerator(seed: 33)
        var bodies = FishjamSamples.types.compactMap { FishjamSamples.body(of: $0) }
        bodies.append(try batch([peer(0), nested(2), Notification()]).serializedBytes())
        let reader = JSONReader(fields: [], redactions: [])
        var normalised = 0
        for round in 0..<20_000 {
            var bytes = bodies[round % bodies.count]
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
                switch Int.random(in: 0...3, using: &generator) {
                case 0: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
                case 1:
                    bytes.insert(
                        .random(in: 0...255, using: &generator), at: Int.random(in: bytes.indices, using: &generator))
                default:
                    let place = Int.random(in: bytes.indices, using: &generator)
                    bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                }
            }
            let (outcome, record) = try normalise(bytes)
            guard outcome == .passed else { continue }
            normalised += 1
            for event in try record.events() {
                #expect(event.payload?.withUnsafeBytes { reader.read($0) } == .some(nil))
                for (_, value) in event.attributes { #expect(!value.unicodeScalars.contains { $0.value < 0x20 }) }
            }
        }
        #expect(normalised > 2000)
    }

    /// The media type and bytes of every event's original.
    private func originals(_ body: [UInt8]) throws -> [[UInt8]] {
        try normalise(body).1.withView { view in
            var originals: [[UInt8]] = []
            try view.forEachEvent { event in
                #expect(event.original.map { $0.contentType.elementsEqual("application/x-protobuf".utf8) } == true)
                originals.append(event.original.map { Array($0.bytes) } ?? [])
            }
            return originals
        }
    }

    @Test func `the original of an event is the notification as it came`() throws {
        for sample in try SampleLibrary.samples(of: "fishjam") where sample.file != "auth_request.bin" {
            #expect(try originals(sample.body) == [sample.body], "\(sample)")
        }
        // Unknown fields, among them one that makes the order of fields unusual, stay where they were.
        let odd: [UInt8] = [0x9A, 0x06, 0x01, 0x00, 0x52, 0x05, 0x0A, 0x01, 0x72, 0x50, 0x07]
        #expect(try originals(odd) == [odd])
        let peers: [[UInt8]] = try (0..<3).map { try peer($0).serializedBytes() } + [odd]
        let batched: [UInt8] = peers.flatMap { bytes -> [UInt8] in [0x0A, UInt8(bytes.count)] + bytes }
        #expect(try originals([0x8A, 0x02, UInt8(batched.count)] + batched) == peers)
    }

    @Test func `no original tells a token`() throws {
        let request: [UInt8] = try Notification.with { $0.authRequest.token = "s3cr3t" }.serializedBytes()
        let other: [UInt8] = try peer(1).serializedBytes()
        let nested: [UInt8] = try batch([batch([Notification(serializedBytes: request)]), peer(2)]).serializedBytes()
        // A group, which a walk over the fields does not pass.
        let group: [UInt8] = [0xA3, 0x06, 0xA4, 0x06]
        for body in [request, request + other, other + request, nested, group + request, group + request + other] {
            let originals = try originals(body)
            #expect(!originals.isEmpty)
            for original in originals {
                #expect(!String(decoding: original, as: UTF8.self).contains("s3cr3t"))
                #expect(throws: Never.self) { try Notification(serializedBytes: original) }
            }
        }
    }
}
