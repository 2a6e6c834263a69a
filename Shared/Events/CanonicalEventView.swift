package import Wire

/// A checked view of one canonical event inside an envelope; it must not outlive the envelope's bytes.
package struct CanonicalEventView {
    package let element: UInt32
    /// The attribute list as written: per attribute `u8, u16, name, value`. Copied verbatim into the event log.
    package let attributeBytes: UnsafeRawBufferPointer
    package let attributeCount: UInt8
    /// The attributes by which events are found, read in the pass that checks the list; nil where there is none.
    package var id: UnsafeRawBufferPointer? { names.id }
    package var type: UnsafeRawBufferPointer? { names.type }
    package var subject: UnsafeRawBufferPointer? { names.subject }
    package var partitionKey: UnsafeRawBufferPointer? { names.partitionKey }
    private let names: EventNames
    /// The event's data; nil where it has none.
    package let payload: UnsafeRawBufferPointer?
    /// Media type and bytes of what the provider sent, where the payload is a translation of it.
    package let original: (contentType: UnsafeRawBufferPointer, bytes: UnsafeRawBufferPointer)?
    /// Whether `payload` is the whole body as verified, unredacted.
    package let isWholeBody: Bool

    init(_ bytes: UnsafeRawBufferPointer, in envelope: EnvelopeView) throws(WireError) {
        var reader = ByteReader(bytes)
        element = try reader.u32()
        attributeCount = try reader.u8()
        let start = reader.rest
        var names = EventNames()
        for _ in 0..<attributeCount {
            let nameLength = Int(try reader.u8())
            let valueLength = Int(try reader.u16())
            let name = try reader.bytes(nameLength)
            names.note(name, try reader.bytes(valueLength))
        }
        self.names = names
        attributeBytes = UnsafeRawBufferPointer(rebasing: start[..<(start.count - reader.rest.count)])
        switch try reader.u8() {
        case 0:
            payload = nil
            isWholeBody = false
        case 1:
            payload = try reader.bytes(Int(try reader.u32()))
            isWholeBody = false
        case 2:
            guard let section = envelope.section(SectionTag(rawValue: try reader.u16())) else { throw .badLength }
            payload = section
            isWholeBody = true
        default:
            throw .unknownKind
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
        AttributeList(attributeBytes).value(name)
    }
}

private struct EventNames {
    var id: UnsafeRawBufferPointer?
    var type: UnsafeRawBufferPointer?
    var subject: UnsafeRawBufferPointer?
    var partitionKey: UnsafeRawBufferPointer?

    /// Of attributes with the same name the first counts.
    @inline(__always) mutating func note(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        switch name.count {
        case 2 where id == nil && name.equals("id"): id = value
        case 4 where type == nil && name.equals("type"): type = value
        case 7 where subject == nil && name.equals("subject"): subject = value
        case 12 where partitionKey == nil && name.equals("partitionkey"): partitionKey = value
        default: break
        }
    }
}

/// Walks an attribute list: per attribute `u8 name length, u16 value length, name, value`.
package struct AttributeList {
    private let bytes: UnsafeRawBufferPointer

    package init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The value of the first attribute with that name.
    package func value(_ name: StaticString) -> UnsafeRawBufferPointer? {
        var found: UnsafeRawBufferPointer?
        forEach { candidate, value in
            guard candidate.equals(name) else { return true }
            found = value
            return false
        }
        return found
    }

    /// Calls `visit` with each name and value in order until it returns false; stops at damaged bytes.
    package func forEach(_ visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool) {
        var reader = ByteReader(bytes)
        while !reader.isAtEnd {
            guard let nameLength = try? reader.u8(), let valueLength = try? reader.u16(),
                let name = try? reader.bytes(Int(nameLength)), let value = try? reader.bytes(Int(valueLength)),
                visit(name, value)
            else { return }
        }
    }
}

extension EnvelopeView {
    /// Calls `visit` with each canonical event in order. Throws where the events section is damaged.
    package func forEachEvent(_ visit: (CanonicalEventView) -> Void) throws(WireError) {
        guard let section = section(.events) else { return }
        var reader = ByteReader(section)
        let count = try reader.u32()
        for _ in 0..<count {
            let length = Int(try reader.u32())
            visit(try CanonicalEventView(try reader.bytes(length), in: self))
        }
    }
}
