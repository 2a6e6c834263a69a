/// The header fields of a request inside an envelope: `u16 count`, then per field `u16 name length`,
/// `u16 value length`, name, value. Names are lower-case; what does not come from a header field has a pseudo-field whose
/// name begins with a colon, which no client can send.
package struct RequestHead {
    /// The path token as sent.
    package static let pathToken = ":token"
    /// The query as sent, without its question mark; absent where there is none. It may hold a token.
    package static let query = ":query"
    /// The address of the client, without port, as text.
    package static let peer = ":peer"

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
