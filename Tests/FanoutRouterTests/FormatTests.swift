import EventLog
import Foundation
import LogSamples
import NIOHTTP1
import PipelineConfiguration
import Testing
import Wire

@testable import EventDelivery

/// What subscribers of each format get, over real sockets.
@Suite(.serialized) struct FormatTests {
    private func deliver(_ format: SubscriptionFormat, _ envelope: [UInt8]) async throws -> Subscriber.Request {
        let folder = try TemporaryFolder()
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try RouterFixture(
            EventLogSettings(path: folder.file),
            lanes: [LaneSettings(name: "app", place: subscriber.url, format: format)])
        fixture.receive(1...1) { _ in envelope }
        let request = try #require(try await subscriber.wait(for: 1).first)
        fixture.stop()
        return request
    }

    private func envelope(
        id: String = "a", type: String = "dev.tributary.participant.joined", payload: String = "{\"a\":1}",
        original: [UInt8]? = nil, attributes: [(name: StaticString, value: String)] = []
    ) -> [UInt8] {
        Sample.envelope(
            journal: RouterFixture.journal, sequence: 1, ids: [id], type: type, payload: payload, original: original,
            attributes: attributes)
    }

    @Test(arguments: SubscriptionFormat.allCases)
    func `a delivery of one event goes on with its sender's trace`(_ format: SubscriptionFormat) async throws {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let traced = try await deliver(format, envelope(attributes: [("traceparent", trace)]))
        #expect(traced.head.headers["traceparent"] == [trace])
        for forged in ["00-x\r\nx-forged: 1", ""] {
            let request = try await deliver(format, envelope(attributes: [("traceparent", forged)]))
            #expect(request.header("traceparent") == nil && request.header("x-forged") == nil)
        }
        #expect(try await deliver(format, envelope()).header("traceparent") == nil)
    }

    @Test func `binary mode puts attributes into header fields, percent-encoded, and the data into the body`()
        async throws
    {
        let request = try await deliver(.cloudeventsBinary, envelope(id: "50% \"ü\""))
        #expect(request.header("ce-id") == "50%25%20%22%C3%BC%22")
        #expect(request.header("ce-specversion") == "1.0")
        #expect(request.header("ce-type") == "dev.tributary.participant.joined")
        #expect(request.header("ce-sequence") == "00000000000000000001")
        #expect(request.header("ce-recordedtime")?.hasSuffix("Z") == true)
        #expect(request.header("content-type") == "application/json")
        #expect(request.header("ce-datacontenttype") == nil)
        #expect(request.body == Array("{\"a\":1}".utf8))
    }

    @Test(
        .enabled(if: ToolsPython.has("cloudevents")), arguments: [SubscriptionFormat.cloudevents, .cloudeventsBinary])
    func `the official CloudEvents SDK reads a delivery`(_ format: SubscriptionFormat) async throws {
        let request = try await deliver(format, envelope(id: "50% \"ü\""))
        let program = """
            import base64, sys
            from cloudevents.core.bindings.http import HTTPMessage, from_http_event
            pairs = sys.argv[2:]
            event = from_http_event(HTTPMessage(dict(zip(pairs[::2], pairs[1::2])), base64.b64decode(sys.argv[1])))
            assert event.get_id() == '50% "ü"', event.get_id()
            assert event.get_type() == "dev.tributary.participant.joined", event.get_type()
            assert event.get_extension("sequence") == "00000000000000000001"
            assert event.get_data() == {"a": 1}, event.get_data()
            """
        let fields = request.head.headers.flatMap { [$0.name, $0.value] }
        #expect(try ToolsPython.run(["-c", program, Data(request.body).base64EncodedString()] + fields) == 0)
    }

    @Test func `the original is what the provider sent, with its media type`() async throws {
        let translated = try await deliver(.original, envelope(original: [0x12, 0x00]))
        #expect(translated.header("content-type") == "application/x-protobuf")
        #expect(translated.body == [0x12, 0x00])
        let same = try await deliver(.original, envelope(payload: "{ \"a\" : 1.0 }"))
        #expect(same.header("content-type") == "application/json")
        #expect(same.body == Array("{ \"a\" : 1.0 }".utf8))
    }

    @Test(arguments: [SubscriptionFormat.original, .cloudeventsBinary])
    func `the content type of a delivery is that of the data, and never more than a line`(
        _ format: SubscriptionFormat
    ) async throws {
        func contentType(_ type: String) async throws -> (type: String?, forged: String?) {
            let request = try await deliver(format, envelope(attributes: [("datacontenttype", type)]))
            return (request.header("content-type"), request.header("x-forged"))
        }
        #expect(try await contentType("text/plain; charset=utf-8") == ("text/plain; charset=utf-8", nil))
        #expect(try await contentType("text/plain\r\nx-forged: 1") == ("application/octet-stream", nil))
    }

    @Test func `data that is not JSON is a text in the shape of SuperViz`() async throws {
        let data = #"1,"event":"forged""#
        let request = try await deliver(
            .superviz, envelope(payload: data, attributes: [("datacontenttype", "text/plain")]))
        let tree = try #require(try JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any])
        #expect(tree["data"] as? String == data && tree["event"] as? String == "participant.joined")
    }

    @Test func `the shape of SuperViz names room, channel, event, date and data`() async throws {
        let request = try await deliver(.superviz, envelope())
        let tree = try #require(try JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any])
        #expect(tree["roomId"] as? String == "calls/default:1")
        #expect(tree["channel"] as? String == "stream")
        #expect(tree["event"] as? String == "participant.joined")
        #expect(tree["data"] as? [String: Int] == ["a": 1])
        #expect(tree.keys.sorted() == ["channel", "data", "date", "event", "roomId", "socketId"])
    }
}
