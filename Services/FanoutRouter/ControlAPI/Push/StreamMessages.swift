import EventDelivery
import JSON
import NIOCore
import PipelineConfiguration
import Primitives
import Wire

/// What goes to a client of `tributary.v1`.
enum StreamMessages {
    static func text(_ type: String, _ members: [(String, JSONText)] = []) -> ByteBuffer {
        ByteBuffer(bytes: JSONText.object([("type", .string(type))] + members).bytes)
    }

    static func gap(_ gap: WatchGap, behind token: PositionToken, from first: PositionToken?) -> ByteBuffer {
        text(
            "gap",
            (first.map { [("from_token", .string("\($0)"))] } ?? []) + [
                ("token", .string("\(token)")), ("detail", .string(gap.sentence)),
            ])
    }

    static func problem(_ problem: APIProblem) -> ByteBuffer {
        text("error", [("code", .string(problem.code.rawValue)), ("detail", .string(problem.detail))])
    }

    /// An event, in a format other than CloudEvents JSON with what a delivery would carry.
    static func event(_ event: WatchedEvent, _ token: PositionToken, as format: SubscriptionFormat) -> ByteBuffer {
        let json = event.json
        var buffer = ByteBuffer()
        buffer.reserveCapacity(json.count + 256)
        let log = token.places[0].log.description
        buffer.writeString(
            #"{"type":"event","token":"\#(token)","webhook_id":"evt_\#(log.prefix(16))_\#(event.position)","event":"#)
        json.write(to: &buffer)
        if format != .cloudevents, let content = event.content(as: format) {
            buffer.writeStaticString(",\"delivery\":")
            buffer.writeBytes(delivery(content).bytes)
        }
        buffer.writeStaticString("}")
        return buffer
    }

    private static func delivery(_ content: DeliveryContent) -> JSONText {
        var fields: [(String, JSONText)] = [
            ("content-type", .string(String(decoding: content.contentType, as: UTF8.self)))
        ]
        for line in String(decoding: content.fields, as: UTF8.self).split(separator: "\r\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields.append(
                (String(line[..<colon]), .string(String(line[line.index(after: colon)...].drop { $0 == " " }))))
        }
        if !content.trace.isEmpty {
            fields.append(("traceparent", .string(String(decoding: content.trace, as: UTF8.self))))
        }
        let bytes = content.body.bytes
        let body: (String, JSONText) =
            String(validating: bytes, as: UTF8.self).map { ("body", .string($0)) }
            ?? ("body_base64", .string(bytes.withUnsafeBytes { Base64.encode($0) }))
        return .object([("fields", .object(fields)), body])
    }
}
