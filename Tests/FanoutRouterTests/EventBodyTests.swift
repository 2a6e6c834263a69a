import EventLog
import NIOCore
import PipelineConfiguration
import Testing

@testable import EventDelivery

@Suite struct EventBodyTests {
    /// Data that goes out as it came, in both sizes; data as base64; none.
    private static let payloads: [(name: String, bytes: [UInt8], type: String)] = [
        ("small", Array("{\"a\":1}".utf8), "application/json"),
        ("large", Array("\"\(String(repeating: "x", count: 40_000))\"".utf8), "application/json"),
        ("binary", [0, 255, 10], "application/x-protobuf"),
        ("large and binary", [UInt8](repeating: 200, count: 40_000), "application/x-protobuf"),
        ("none", [], "application/json"),
    ]

    private func row(_ payload: [UInt8], _ type: String) throws -> EventBatch {
        try ProbeEvent.row(
            [("id", "evt-1"), ("type", "dev.tributary.custom.event"), ("datacontenttype", type)], payload: payload,
            source: "app", at: 1)
    }

    @Test(arguments: payloads.indices)
    func `an event in pieces is the event in one piece`(_ index: Int) throws {
        let row = try row(Self.payloads[index].bytes, Self.payloads[index].type)
        let body = try #require(RenderedBatch(row).body(at: 0))
        let whole = RenderedBatch.body(at: 0, of: row)
        #expect(body.bytes == whole, "\(Self.payloads[index].name)")
        #expect(body.count == whole.count)
        #expect(Array(body.buffer.readableBytesView) == whole)
        var written = ByteBuffer()
        body.write(to: &written)
        #expect(Array(written.readableBytesView) == whole)
    }

    @Test func `several events in one body are a JSON array of them`() throws {
        let rows = try Self.payloads.map { try row($0.bytes, $0.type) }
        let bodies = try rows.map { try #require(RenderedBatch($0).body(at: 0)) }
        let joined = EventBody.array(bodies)
        let whole =
            "["
            + rows.map { String(decoding: RenderedBatch.body(at: 0, of: $0), as: UTF8.self) }
            .joined(separator: ",") + "]"
        #expect(String(decoding: joined.bytes, as: UTF8.self) == whole)
        #expect(joined.count == whole.utf8.count)
        #expect(EventBody.array([]).bytes == Array("[]".utf8) && EventBody.array([]).count == 2)
    }

    @Test func `the data of an event is sent from where it is stored`() throws {
        for (name, payload, type) in Self.payloads {
            for format in [SubscriptionFormat.original, .cloudeventsBinary] {
                let content = try #require(EventFormat.content(of: 0, in: row(payload, type), as: format))
                #expect(content.body.bytes == payload, "\(name)")
                guard case .stored = content.body else {
                    Issue.record("\(name): \(format) copies the data")
                    continue
                }
            }
        }
    }
}
