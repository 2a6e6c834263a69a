/// Walks the fields of a protobuf message without decoding it (protobuf.dev, "Encoding"). Ends at the first bytes that
/// are no field.
package struct ProtobufFields: Sequence, IteratorProtocol {
    package struct Field {
        package let number: Int
        /// The content of a length-delimited field; nil for every other wire type.
        package fileprivate(set) var content: UnsafeRawBufferPointer?
        /// The value of a variable-length integer; nil for every other wire type.
        package fileprivate(set) var value: UInt64?
        /// The whole field, its number and type included.
        package fileprivate(set) var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        fileprivate var isGroupEnd = false
    }

    /// Deepest that groups, which proto3 does not have, may lie in one another.
    private static let mostGroups = 16

    private var rest: UnsafeRawBufferPointer

    /// Whether all bytes were fields; false before the end has been reached, and where it never is.
    package var isAtEnd: Bool { rest.isEmpty }

    package init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    package mutating func next() -> Field? {
        let start = rest
        guard var field = read(groups: 0), !field.isGroupEnd else {
            rest = start
            return nil
        }
        field.bytes = UnsafeRawBufferPointer(rebasing: start[..<(start.count - rest.count)])
        return field
    }

    private mutating func read(groups: Int) -> Field? {
        guard let tag = varint(), tag >> 3 > 0, tag >> 3 <= 0x1FFF_FFFF else { return nil }
        let number = Int(tag >> 3)
        switch tag & 7 {
        case 0: return varint().map { Field(number: number, value: $0) }
        case 1: return take(8).map { _ in Field(number: number) }
        case 2:
            guard let length = varint(), length <= UInt64(rest.count) else { return nil }
            return take(Int(length)).map { Field(number: number, content: $0) }
        case 3 where groups < Self.mostGroups:
            while let inner = read(groups: groups + 1) {
                if inner.isGroupEnd { return inner.number == number ? Field(number: number) : nil }
            }
            return nil
        case 4: return Field(number: number, isGroupEnd: true)
        case 5: return take(4).map { _ in Field(number: number) }
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

extension ProtobufFields {
    /// The bytes of a length-delimited field: a text, or a message within.
    package static func field(_ number: Int, _ content: [UInt8]) -> [UInt8] {
        varint(UInt64(number) << 3 | 2) + varint(UInt64(content.count)) + content
    }

    /// The bytes of a field that is a variable-length integer.
    package static func field(_ number: Int, _ value: UInt64) -> [UInt8] {
        varint(UInt64(number) << 3) + varint(value)
    }

    /// The bytes of a field of eight bytes.
    package static func field(_ number: Int, fixed value: UInt64) -> [UInt8] {
        varint(UInt64(number) << 3 | 1) + withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes) = (value, [UInt8]())
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
