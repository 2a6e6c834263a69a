import Events
import Normalisation
import Primitives
import Providers
import WebhookSamples
import Wire

/// A provider's probe check and normaliser with webhooks that were verified, whatever they hold: a key may have leaked,
/// and a source may ask for no verification.
final class ProviderFixture: FuzzFixture {
    private let provider: any Provider.Type
    private let normaliser: any WebhookNormaliser
    private let judge = EventJudge()

    init(_ provider: any Provider.Type) {
        self.provider = provider
        let isGeneric = provider.name == GenericProvider.name
        normaliser = provider.makeNormaliser(MappingOptions(pointers: isGeneric ? Self.pointers : nil))
    }

    func tryOne(_ input: UnsafeRawBufferPointer) {
        var record = HostileRequest(ArraySlice(Array(input))).record(source: provider.name)
        var writer = ByteWriter()
        Verification(scheme: "test", keyID: "0").write(to: &writer)
        record += writer.bytes
        let (outcome, sections) = normalise(record)
        let (_, again) = normalise(record)
        must(sections == again, "the same webhook gives the same events")
        switch outcome {
        case .refused(let rejection):
            must(sections.isEmpty, "a refused webhook has no events")
            must(rejection.stage == .normaliser && !rejection.code.rawValue.isEmpty, "a rejection says whose it is")
        case .answered:
            fatalError("broken: a normaliser answers nobody")
        case .passed:
            judge.judge(record + sections, refused: [])
        case .passedExcept(let rejections):
            judge.judge(record + sections, refused: rejections.map(\.element))
        }
    }

    private func normalise(_ record: [UInt8]) -> (StageOutcome, [UInt8]) {
        record.withUnsafeBytes { bytes in
            guard let view = try? EnvelopeView(bytes), let webhook = VerifiedWebhook(view) else {
                fatalError("broken: a composed record is whole")
            }
            _ = provider.isProbe(head: webhook.accepted.head, body: webhook.body)
            var writer = ByteWriter()
            let outcome = normaliser.normalise(webhook, into: &writer)
            return (outcome, writer.bytes)
        }
    }

    /// A mapping of a generic source that uses everything there is.
    private static let pointers = PointerMapping(
        elements: "/events", type: "/type", id: "/id", time: "/at", timeUnit: .milliseconds,
        subject: "rooms/{/room/name}/users/{/user}", partitionKey: "/room/name", types: ["started": "room.started"],
        redactions: ["/secret", "/room/key"])

    /// What the shape of a body does not say.
    private static let published: [[UInt8]] = {
        let event = #"{"specversion":"1.0","id":"1","source":"/a","type":"b","tenant":true,"data":{"a":1}"#
        let json = "application/cloudevents+json"
        let requests: [([(name: String, value: String)], String)] = [
            ([("content-type", json)], event + "}"),
            ([("content-type", json)], event.replacing(#""data":{"a":1}"#, with: #""data_base64":"AAA=""#) + "}"),
            ([("content-type", "application/cloudevents-batch+json")], "[\(event)},\(event),\"time\":\"x\"},null]"),
            (
                [
                    ("content-type", "text/plain"), ("ce-specversion", "1.0"), ("ce-id", "%31"), ("ce-source", "/a"),
                    ("ce-type", "\"b\""), ("ce-time", "2026-01-01T00:00:00Z"),
                ], "text"
            ),
            (
                [(":path", "api/v2/video/call/a%20/b/event"), ("authorization", "e30.eyJ1c2VyX2lkIjoiYSJ9.AA")],
                #"{"custom":{"a":1}}"#
            ),
        ]
        return requests.map { HostileRequest.seed($0, Array($1.utf8)) }
    }()

    static func seeds(of provider: any Provider.Type) -> [[UInt8]] {
        let files = ((try? SampleLibrary.goldenAttributes()) ?? [:]).keys.sorted()
        let own = files.filter { $0.hasPrefix(provider.name + "/") && !$0.contains("batch.1000") }
        let bodies = own.compactMap { try? SampleLibrary.contents($0) }.map { Array($0) }
        let texts = [
            "{}", "[]", #"[{"event":"a","data":1},null]"#,
            #"{"events":[{"type":"started","id":1,"at":1767225600000.5,"room":{"name":"a","key":1},"secret":[]},{}]}"#,
            #"{"event":"room_finished","id":"EV_1","createdAt":"1767225600","room":{"name":"a","sid":"RM_1"}}"#,
            #"{"type":"video.asset.ready","id":"1","created_at":"2026-01-01T00:00:00Z","data":{"id":"a"}}"#,
            #"{"type":"meeting.started","id":"1","event_ts":1767225600.1,"payload":{"room":"a"}}"#,
            #"{"type":"x","id":"1","timestamp":"2026-01-01T00:00:00Z","data":{"room_id":"a"}}"#,
            "AccountSid=AC1&CallSid=CA1&StatusCallbackEvent=participant-joined&RoomSid=RM1",
        ]
        return (bodies + texts.map { Array($0.utf8) }).map { HostileRequest.seed([("x-webhook-id", "w1")], $0) }
            + published
            + FishjamSamples.types.filter { _ in provider.name == FishjamProvider.name }.compactMap { type in
                FishjamSamples.body(of: type).map { HostileRequest.seed([], $0) }
            }
    }
}
