import Events
import Foundation
import SeededRandom
import Testing
import Wire

@Suite struct RenderingTests {
    private func render(
        _ attributes: [(String, [UInt8])], payload: [UInt8]?, position: UInt64 = 42, receivedAt: Int64 = 0
    ) -> [UInt8] {
        var list = ByteWriter()
        for (name, value) in attributes {
            list.u8(UInt8(name.utf8.count))
            list.u16(UInt16(value.count))
            list.raw(Array(name.utf8))
            list.raw(value)
        }
        var writer = ByteWriter()
        list.bytes.withUnsafeBytes { attributes in
            (payload ?? []).withUnsafeBytes { bytes in
                CloudEventsJSON.render(
                    attributes: attributes, payload: payload == nil ? nil : bytes, receivedAtNanoseconds: receivedAt,
                    position: position, to: &writer)
            }
        }
        return writer.bytes
    }

    private func object(_ bytes: [UInt8]) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    @Test func `any bytes in an attribute give valid JSON`() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<500 {
            let value = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let parsed = try object(render([("subject", value)], payload: nil))
            #expect(parsed["subject"] as? String == String(decoding: value, as: UTF8.self))
        }
    }

    @Test func `data goes through byte for byte`() throws {
        let payload = Array(" { \"a\" : 1.50, \"a\":9007199254740993 }".utf8)
        let bytes = render([("datacontenttype", Array("application/json; charset=utf-8".utf8))], payload: payload)
        #expect(
            String(decoding: bytes, as: UTF8.self).hasSuffix(
                ",\"data\":" + String(decoding: payload, as: UTF8.self) + "}"))
    }

    @Test func `data that is not JSON goes into data_base64`() throws {
        for count in 0...9 {
            let payload = (0..<count).map { UInt8(250 &- $0) }
            let parsed = try object(
                render([("datacontenttype", Array("application/x-protobuf".utf8))], payload: payload))
            let encoded = parsed["data_base64"] as? String
            #expect(encoded == (count == 0 ? nil : Data(payload).base64EncodedString()))
            #expect(parsed["data"] == nil)
        }
    }

    @Test func `what the router adds appears once and names that JSON cannot carry are left out`() throws {
        let bytes = render(
            [("sequence", [49]), ("recordedtime", [49]), ("specversion", [49]), ("data", [49]), ("Bad\"", [49])],
            payload: nil, position: .max)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == "{\"specversion\":\"1.0\",\"recordedtime\":\"1970-01-01T00:00:00.000000000Z\","
                + "\"sequence\":\"18446744073709551615\"}")
    }
}
