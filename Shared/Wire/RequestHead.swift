/// The header fields of a request inside an envelope: `u16 count`, then per field `u16 name length`,
/// `u16 value length`, name, value. Names are lower-case; the pseudo-field `:token` holds the path token.
package struct RequestHead {
    package static let pathToken = ":token"

    private let bytes: UnsafeRawBufferPointer

    /// A view of a `requestHead` section; malformed content reads as fewer fields.
    package init(_ section: UnsafeRawBufferPointer) {
        bytes = section
    }

    /// The value of the first field with that lower-case name.
    package func value(_ name: StaticString) -> UnsafeRawBufferPointer? {
        var found: UnsafeRawBufferPointer?
        forEachField { candidate, value in
            guard candidate.equals(name) else { return true }
            found = value
            return false
        }
        return found
    }

    /// Calls `visit` with each name and value in order until it returns false.
    package func forEachField(_ visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool) {
        var reader = ByteReader(bytes)
        guard let count = try? reader.u16() else { return }
        for _ in 0..<count {
            guard let nameLength = try? reader.u16(), let valueLength = try? reader.u16(),
                let name = try? reader.bytes(Int(nameLength)), let value = try? reader.bytes(Int(valueLength))
            else { return }
            guard visit(name, value) else { return }
        }
    }
}
