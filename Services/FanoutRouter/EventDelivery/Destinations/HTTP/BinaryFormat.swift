import EventLog
import Events
import Primitives
import Wire

/// CloudEvents in binary mode: attributes in header fields, the data as the body (CloudEvents HTTP binding 1.0.2,
/// section 3.1).
enum BinaryFormat {
    static func content(_ record: EventRecord, of batch: EventBatch, position: UInt64) -> DeliveryContent {
        var fields = ByteWriter(reservingBytes: 512)
        field("specversion", Array("1.0".utf8), to: &fields)
        AttributeList(record.attributes).forEach { name, value in
            if !name.equals("datacontenttype"), CloudEventsJSON.isRenderable(name) {
                fields.raw(Array("ce-".utf8))
                fields.raw(name)
                endField(value, to: &fields)
            }
            return true
        }
        field("recordedtime", Array(RFC3339.text(record.receivedAtNanoseconds).utf8), to: &fields)
        fields.raw(Array("ce-sequence: ".utf8))
        CloudEventsJSON.sequence(position, to: &fields)
        fields.raw(Array("\r\n".utf8))
        return DeliveryContent(
            contentType: EventFormat.mediaType(of: record), fields: fields.bytes,
            body: EventFormat.data(record, of: batch))
    }

    private static func field(_ name: String, _ value: [UInt8], to fields: inout ByteWriter) {
        fields.raw(Array("ce-\(name)".utf8))
        value.withUnsafeBytes { endField($0, to: &fields) }
    }

    /// Section 3.1.3.2: percent-encoded are blank, double quote, percent and all outside U+0021 to U+007E.
    private static func endField(_ value: UnsafeRawBufferPointer, to fields: inout ByteWriter) {
        fields.u8(UInt8(ascii: ":"))
        fields.u8(UInt8(ascii: " "))
        for byte in value {
            if byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "%") {
                fields.u8(byte)
            } else {
                PercentCoding.append(byte, to: &fields.bytes)
            }
        }
        fields.u8(UInt8(ascii: "\r"))
        fields.u8(UInt8(ascii: "\n"))
    }
}
