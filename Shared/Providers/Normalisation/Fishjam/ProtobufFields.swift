/// Walks the fields of a protobuf message without decoding it (protobuf.dev, "Encoding"). Ends at the first bytes that
/// are no field.
struct ProtobufFields: Sequence, IteratorProtocol {
    struct Field {
        let number: Int
        /// The content of a length-delimited field; nil for every other wire type.
        let content: UnsafeRawBufferPointer?
    }

    private var rest: UnsafeRawBufferPointer

    /// Whether all bytes were fields; false before the end has been reached.
    var isAtEnd: Bool { rest.isEmpty }

    init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    mutating func next() -> Field? {
        guard let tag = varint(), tag >> 3 > 0, tag >> 3 <= 0x1FFF_FFFF else { return nil }
        let number = Int(tag >> 3)
        switch tag & 7 {
        case 0: return varint() == nil ? nil : Field(number: number, content: nil)
        case 1: return take(8) == nil ? nil : Field(number: number, content: nil)
        case 2:
            guard let length = varint(), length <= UInt64(rest.count), let content = take(Int(length)) else {
                return nil
            }
            return Field(number: number, content: content)
        case 5: return take(4) == nil ? nil : Field(number: number, content: nil)
        default: return nil
        }
    }

    private mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count <= rest.count else { return nil }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
        return UnsafeRawBufferPointer(rebasing: rest[..<count])
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for (index, byte) in rest.prefix(10).enumerated() {
            value |= UInt64(byte & 0x7F) << UInt64(7 * index)
            if byte < 0x80 {
                rest = UnsafeRawBufferPointer(rebasing: rest[(index + 1)...])
                return value
            }
        }
        return nil
    }
}
