package import Wire

/// The bytes of one event's data: none, bytes of their own, or the whole of a body section (no copy on the bus).
package enum EventPayload {
    case none
    case inline(UnsafeRawBufferPointer)
    case section(SectionTag)
}

/// What the provider sent, where an event's data is a translation of it and not a part of it.
package struct OriginalBytes {
    /// The media type, such as `application/x-protobuf`; at most 255 bytes.
    package let contentType: StaticString
    package let bytes: UnsafeRawBufferPointer

    package init(contentType: StaticString, bytes: UnsafeRawBufferPointer) {
        self.contentType = contentType
        self.bytes = bytes
    }
}

/// Writes canonical events, step 5 of the way, into the events section of an envelope.
///
/// Section layout: `u32 count`, then per event `u32 length` and: `u32 element`, `u8 attribute count`, per attribute
/// `u8 name length, u16 value length, name, value`, then `u8 payload kind` (0 none, 1 inline: `u32 length`, bytes;
/// 2 section: `u16 tag`), and, where the data is a translation, `u8 length` and media type, `u32 length` and bytes of the
/// original. Attributes are CloudEvents attributes as text. Absent here and added by the router:
/// `specversion`, `recordedtime` (from received-at), `sequence` (the log position).
///
/// An event can be opened only for a verified webhook. Next: `CanonicalEventView.swift`, read by the router.
package struct CanonicalEventsWriter {
    private let countOffset: Int
    private let sectionLengthOffset: Int
    private var eventCount: UInt32 = 0
    private var eventLengthOffset = 0
    private var attributeCountOffset = 0
    private var attributeCount: UInt8 = 0

    /// Opens the events section of `webhook`'s envelope at the end of `writer`.
    package init(for webhook: VerifiedWebhook, in writer: inout ByteWriter) {
        writer.u16(SectionTag.events.rawValue)
        writer.u16(0)
        sectionLengthOffset = writer.count
        writer.u32(0)
        countOffset = writer.count
        writer.u32(0)
    }

    /// Appends an events section that holds none: what a handshake comes to, which needs no normaliser.
    package static func writeNone(to writer: inout ByteWriter) {
        writer.section(.events) { $0.u32(0) }
    }

    /// Begins the event of element `element` (0 where a webhook is one event).
    package mutating func open(element: UInt32, in writer: inout ByteWriter) {
        eventLengthOffset = writer.count
        writer.u32(0)
        writer.u32(element)
        attributeCountOffset = writer.count
        attributeCount = 0
        writer.u8(0)
    }

    /// Adds an attribute. Values over 65 535 bytes are cut.
    package mutating func attribute(_ name: StaticString, _ value: UnsafeRawBufferPointer, in writer: inout ByteWriter)
    {
        attribute(named: name.bytes, value, in: &writer)
    }

    /// The same for a name that a sender chose, of at most 255 bytes.
    @inline(__always)
    package mutating func attribute(
        named name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, in writer: inout ByteWriter
    ) {
        let value = UnsafeRawBufferPointer(rebasing: value[..<min(value.count, Int(UInt16.max))])
        precondition(attributeCount < .max, "an event has at most 255 attributes")
        attributeCount += 1
        writer.append(3 + name.count + value.count) { room in
            room.storeBytes(of: UInt8(name.count), as: UInt8.self)
            room.storeBytes(of: UInt16(value.count).littleEndian, toByteOffset: 1, as: UInt16.self)
            UnsafeMutableRawBufferPointer(rebasing: room[3...]).copyBytes(from: name)
            UnsafeMutableRawBufferPointer(rebasing: room[(3 + name.count)...]).copyBytes(from: value)
        }
    }

    /// Adds an attribute whose value is text.
    package mutating func attribute(_ name: StaticString, _ value: String, in writer: inout ByteWriter) {
        var value = value
        value.withUTF8 { attribute(name, UnsafeRawBufferPointer($0), in: &writer) }
    }

    /// Ends the event with its payload.
    package mutating func close(
        _ payload: EventPayload, original: OriginalBytes? = nil, in writer: inout ByteWriter
    ) {
        switch payload {
        case .none:
            writer.u8(0)
        case .inline(let bytes):
            writer.u8(1)
            writer.u32(UInt32(bytes.count))
            writer.raw(bytes)
        case .section(let tag):
            writer.u8(2)
            writer.u16(tag.rawValue)
        }
        if let original {
            writer.u8(UInt8(original.contentType.utf8CodeUnitCount))
            writer.raw(original.contentType.bytes)
            writer.u32(UInt32(original.bytes.count))
            writer.raw(original.bytes)
        }
        writer.bytes[attributeCountOffset] = attributeCount
        writer.patchU32(UInt32(writer.count - eventLengthOffset - 4), at: eventLengthOffset)
        eventCount += 1
    }

    /// Ends the section.
    package mutating func finish(in writer: inout ByteWriter) {
        writer.patchU32(eventCount, at: countOffset)
        writer.patchU32(UInt32(writer.count - sectionLengthOffset - 4), at: sectionLengthOffset)
    }
}
