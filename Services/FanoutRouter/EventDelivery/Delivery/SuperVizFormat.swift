import EventLog
import Events
import JSON
import NIOCore
import Wire

/// The shape of SuperViz' Real-time webhook (docs.superviz.com, "Real-time webhook"): events that came in that shape go
/// out as they are; of others, room and channel are the subject's place, `event` is the type and `data` the data, as a
/// text where it is not JSON.
enum SuperVizFormat {
    static func content(_ record: EventRecord) -> DeliveryContent {
        DeliveryContent(contentType: Array("application/json".utf8), body: .buffer(ByteBuffer(bytes: body(record))))
    }

    private static func body(_ record: EventRecord) -> [UInt8] {
        if record.attribute("provider")?.equals("superviz") == true,
            record.attribute("type")?.equals("dev.tributary.custom.event") == true, let payload = record.payload
        {
            return Array(payload)
        }
        var writer = ByteWriter(reservingBytes: 512)
        writer.raw(Array("{\"roomId\":".utf8))
        text(record.attribute("partitionkey") ?? record.attribute("subject"), to: &writer)
        writer.raw(Array(",\"channel\":".utf8))
        text(record.source, to: &writer)
        writer.raw(Array(",\"event\":".utf8))
        text(record.attribute("type").map { withoutPrefix($0) }, to: &writer)
        writer.raw(Array(",\"date\":".utf8))
        text(record.attribute("time"), to: &writer)
        writer.raw(Array(",\"data\":".utf8))
        if let payload = record.payload, record.attribute("datacontenttype").map(CloudEventsJSON.holdsJSON) != false {
            writer.raw(payload)
        } else {
            text(record.payload, to: &writer)
        }
        writer.raw(Array(",\"socketId\":null}".utf8))
        return writer.bytes
    }

    private static func withoutPrefix(_ type: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard type.starts(with: EventMatcher.typePrefix) else { return type }
        return UnsafeRawBufferPointer(rebasing: type[EventMatcher.typePrefix.count...])
    }

    private static func text(_ value: UnsafeRawBufferPointer?, to writer: inout ByteWriter) {
        guard let value else { return writer.raw(Array("null".utf8)) }
        writer.u8(UInt8(ascii: "\""))
        JSONString.append(repairing: value, to: &writer.bytes)
        writer.u8(UInt8(ascii: "\""))
    }
}
