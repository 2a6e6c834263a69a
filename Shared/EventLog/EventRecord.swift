import Events
package import Wire

/// An event that this gateway makes itself.
package struct OwnEvent: Sendable {
    /// CloudEvents attributes, `id` among them.
    package var attributes: [(name: String, value: String)]
    /// JSON.
    package var payload: [UInt8]
    /// Nanoseconds since 1970.
    package var atNanoseconds: Int64

    package init(attributes: [(name: String, value: String)], payload: [UInt8], atNanoseconds: Int64) {
        (self.attributes, self.payload, self.atNanoseconds) = (attributes, payload, atNanoseconds)
    }

    package func attribute(_ name: String) -> String { attributes.first { $0.name == name }?.value ?? "" }
}

/// One event as it lies in a row of the log, after its `u32` length:
///
/// ```
/// u8   version (1)
/// i64  received-at            nanoseconds since 1970
/// u64×2 journal id, u64 sequence, u32 element
/// u8   length of the source name, source name
/// u8   count of stamps, per stamp u8 length and the content of a stamp section
/// u8   count of attributes, u32 length of the attribute list, attribute list as the normaliser wrote it
/// u8   payload kind (0 none, 1 bytes), for 1: u32 length, bytes
/// u8   length of the original's media type, media type, u32 length, bytes: only where the payload is a translation
/// ```
package struct EventRecord {
    package static let version: UInt8 = 1

    package let receivedAtNanoseconds: Int64
    package let journal: JournalID
    package let sequence: UInt64
    package let element: UInt32
    /// The source's name in the configuration.
    package let source: UnsafeRawBufferPointer
    package let attributes: UnsafeRawBufferPointer
    package let payload: UnsafeRawBufferPointer?
    /// Media type and bytes of what the provider sent; nil where that is the payload.
    package let original: (contentType: UnsafeRawBufferPointer, bytes: UnsafeRawBufferPointer)?
    private let stampBytes: UnsafeRawBufferPointer
    private let stampCount: UInt8

    /// A checked view; it must not outlive the bytes. `bytes` excludes the length prefix.
    package init(_ bytes: UnsafeRawBufferPointer) throws(WireError) {
        var reader = ByteReader(bytes)
        guard try reader.u8() == Self.version else { throw .unknownVersion }
        receivedAtNanoseconds = try reader.i64()
        journal = try reader.journalID()
        sequence = try reader.u64()
        element = try reader.u32()
        source = try reader.bytes(Int(try reader.u8()))
        stampCount = try reader.u8()
        let stampStart = reader.rest
        for _ in 0..<stampCount { _ = try reader.bytes(Int(try reader.u8())) }
        stampBytes = UnsafeRawBufferPointer(rebasing: stampStart[..<(stampStart.count - reader.rest.count)])
        _ = try reader.u8()
        attributes = try reader.bytes(Int(try reader.u32()))
        switch try reader.u8() {
        case 0: payload = nil
        case 1: payload = try reader.bytes(Int(try reader.u32()))
        default: throw .unknownKind
        }
        guard !reader.isAtEnd else {
            original = nil
            return
        }
        let contentType = try reader.bytes(Int(try reader.u8()))
        original = (contentType, try reader.bytes(Int(try reader.u32())))
    }

    /// The value of the attribute with that name.
    package func attribute(_ name: StaticString) -> UnsafeRawBufferPointer? {
        AttributeList(attributes).value(name)
    }

    /// When each stage before the router took the webhook up and put it down; damaged stamps are left out.
    package var stamps: [StageStamp] {
        var reader = ByteReader(stampBytes)
        var stamps: [StageStamp] = []
        while !reader.isAtEnd {
            guard let length = try? reader.u8(), let content = try? reader.bytes(Int(length)) else { break }
            if let stamp = try? StageStamp(content) { stamps.append(stamp) }
        }
        return stamps
    }

    /// Appends the record of an event that this gateway makes itself, length prefix included: it comes from no journal.
    package static func write(_ event: OwnEvent, source: String = "", to writer: inout ByteWriter) {
        let lengthOffset = writer.count
        writer.u32(0)
        writer.u8(version)
        writer.i64(event.atNanoseconds)
        writer.journalID(JournalID(high: 0, low: 0))
        writer.u64(0)
        writer.u32(0)
        writer.text8(source)
        writer.u8(0)
        writer.u8(UInt8(event.attributes.count))
        let listOffset = writer.count
        writer.u32(0)
        for (name, value) in event.attributes {
            writer.u8(UInt8(name.utf8.count))
            writer.u16(UInt16(value.utf8.count))
            writer.raw(Array(name.utf8))
            writer.raw(Array(value.utf8))
        }
        writer.patchU32(UInt32(writer.count - listOffset - 4), at: listOffset)
        writer.u8(1)
        writer.u32(UInt32(event.payload.count))
        writer.raw(event.payload)
        writer.patchU32(UInt32(writer.count - lengthOffset - 4), at: lengthOffset)
    }

    /// Appends the record of `event`, length prefix included.
    static func write(_ event: CanonicalEventView, of envelope: EnvelopeView, to writer: inout ByteWriter) {
        let lengthOffset = writer.count
        writer.u32(0)
        writer.u8(version)
        writer.i64(envelope.receivedAtNanoseconds)
        writer.journalID(envelope.journal)
        writer.u64(envelope.sequence)
        writer.u32(event.element)
        writer.u8(UInt8(envelope.sourceBytes.count))
        writer.raw(envelope.sourceBytes)
        let stampCountOffset = writer.count
        writer.u8(0)
        var stampCount: UInt8 = 0
        envelope.forEachSection { tag, content in
            guard tag == .stamp, content.count <= 255, stampCount < 255 else { return true }
            writer.u8(UInt8(content.count))
            writer.raw(content)
            stampCount += 1
            return true
        }
        writer.bytes[stampCountOffset] = stampCount
        writer.u8(event.attributeCount)
        writer.u32(UInt32(event.attributeBytes.count))
        writer.raw(event.attributeBytes)
        if let payload = event.payload {
            writer.u8(1)
            writer.u32(UInt32(payload.count))
            writer.raw(payload)
        } else {
            writer.u8(0)
        }
        if let original = event.original {
            writer.u8(UInt8(original.contentType.count))
            writer.raw(original.contentType)
            writer.u32(UInt32(original.bytes.count))
            writer.raw(original.bytes)
        }
        writer.patchU32(UInt32(writer.count - lengthOffset - 4), at: lengthOffset)
    }
}
