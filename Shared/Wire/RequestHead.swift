/// The header fields of a request inside an envelope: `u16 count`, then per field `u16 name length`,
/// `u16 value length`, name, value. Names are lower-case; what does not come from a header field has a pseudo-field whose
/// name begins with a colon, which no client can send.
package struct RequestHead {
    /// The path token as sent.
    package static let pathToken = ":token"
    /// What stands behind the source in its path, as sent, where its provider's clients call a path of their own.
    package static let endpointPath = ":path"
    /// The query as sent, without its question mark; absent where there is none. It may hold a token.
    package static let query = ":query"
    /// The address of the client, without port, as text.
    package static let peer = ":peer"
    /// The name of the connector that fetched the webhook.
    package static let connector: StaticString = ":connector"
    /// What names the webhook where it was fetched from, the same however often it is fetched.
    package static let fetchedID: StaticString = ":id"
    /// The webhook is no provider's: the connector says in it for how long it was not connected.
    package static let gap: StaticString = ":gap"

    @usableFromInline let bytes: UnsafeRawBufferPointer

    /// A view of a `requestHead` section; malformed content reads as fewer fields.
    package init(_ section: UnsafeRawBufferPointer) {
        bytes = section
    }

    /// The value of the first field with that lower-case name.
    package func value(_ name: StaticString) -> UnsafeRawBufferPointer? {
        var found: UnsafeRawBufferPointer?
        forEachField { candidate, value in
            guard candidate.equals(name) else { return true }
            found = FieldValue.trimmed(value)
            return false
        }
        return found
    }

    /// Calls `visit` with each name and value in order until it returns false.
    @inlinable package func forEachField(_ visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool) {
        guard bytes.count >= 2 else { return }
        var offset = 2
        for _ in 0..<length(at: 0) {
            guard bytes.count - offset >= 4 else { return }
            let nameStart = offset + 4
            let valueStart = nameStart + length(at: offset)
            let end = valueStart + length(at: offset + 2)
            guard end <= bytes.count else { return }
            offset = end
            guard
                visit(
                    UnsafeRawBufferPointer(rebasing: bytes[nameStart..<valueStart]),
                    UnsafeRawBufferPointer(rebasing: bytes[valueStart..<end]))
            else { return }
        }
    }

    @inlinable func length(at offset: Int) -> Int {
        Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
    }
}

/// Writes the content of a `requestHead` section, field by field.
package struct RequestHeadWriter {
    private let countOffset: Int
    private var count: UInt16 = 0

    package init(to writer: inout ByteWriter) {
        countOffset = writer.count
        writer.u16(0)
    }

    /// Adds a field; its name becomes lower-case. Name and value are cut at 65 535 bytes. `isDropped` sees the lower-case
    /// name and may keep the field out.
    package mutating func field(
        _ name: String, _ value: String, to writer: inout ByteWriter,
        unless isDropped: (UnsafeRawBufferPointer) -> Bool = { _ in false }
    ) {
        var (name, value) = (name, value)
        name.withUTF8 { name in
            value.withUTF8 { value in
                field(UnsafeRawBufferPointer(name), UnsafeRawBufferPointer(value), to: &writer, unless: isDropped)
            }
        }
    }

    /// The same for bytes.
    package mutating func field(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, to writer: inout ByteWriter,
        unless isDropped: (UnsafeRawBufferPointer) -> Bool = { _ in false }
    ) {
        let start = writer.count
        let name = UnsafeRawBufferPointer(rebasing: name.prefix(Int(UInt16.max)))
        let value = UnsafeRawBufferPointer(rebasing: value.prefix(Int(UInt16.max)))
        writer.append(4 + name.count + value.count) { field in
            field.storeBytes(of: UInt16(name.count).littleEndian, as: UInt16.self)
            field.storeBytes(of: UInt16(value.count).littleEndian, toByteOffset: 2, as: UInt16.self)
            for (place, byte) in name.enumerated() {
                field[4 + place] = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
            }
            UnsafeMutableRawBufferPointer(rebasing: field[(4 + name.count)...]).copyMemory(from: value)
        }
        let drops = writer.bytes.withUnsafeBytes { bytes in
            isDropped(UnsafeRawBufferPointer(rebasing: bytes[start + 4..<start + 4 + name.count]))
        }
        if drops { return writer.bytes.removeSubrange(start...) }
        count += 1
    }

    /// To be called after the last field.
    package func end(in writer: inout ByteWriter) {
        writer.patchU16(count, at: countOffset)
    }
}

extension ByteWriter {
    /// Appends a `requestHead` section with these fields.
    package mutating func requestHead(_ fields: [(name: String, value: String)]) {
        section(.requestHead) { section in
            var head = RequestHeadWriter(to: &section)
            for field in fields.prefix(Int(UInt16.max)) { head.field(field.name, field.value, to: &section) }
            head.end(in: &section)
        }
    }
}
