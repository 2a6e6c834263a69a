import Primitives

/// Text from outside made fit for a CloudEvents attribute.
///
/// CloudEvents (v1.0.2, "Type System", String) forbids control characters, surrogates and noncharacters. They are
/// percent-encoded byte by byte, as are bytes that are not UTF-8; everything else, `%` and `/` included, stays as the
/// provider wrote it.
package enum AttributeText {
    /// Longest text from outside in one attribute, in bytes; cut between characters.
    package static let maxBytes = 4096

    /// Appends `text`.
    package static func append(_ text: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        if text.count <= maxBytes, text.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
            bytes.append(contentsOf: text)
        } else {
            appendEscaped(text, to: &bytes)
        }
    }

    private static func appendEscaped(_ text: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        let start = bytes.count
        var offset = 0
        while offset < text.count {
            let (scalar, length) = decode(text, at: offset)
            let isAllowed = scalar.map(isAllowed) ?? false
            guard bytes.count - start + (isAllowed ? length : 3 * length) <= maxBytes else { return }
            for byte in text[offset..<offset + length] {
                if isAllowed {
                    bytes.append(byte)
                } else {
                    PercentCoding.append(byte, to: &bytes)
                }
            }
            offset += length
        }
    }

    private static func isAllowed(_ scalar: UInt32) -> Bool {
        let isControl = scalar < 0x20 || (0x7F...0x9F).contains(scalar)
        let isNoncharacter = (0xFDD0...0xFDEF).contains(scalar) || scalar & 0xFFFE == 0xFFFE
        return !isControl && !isNoncharacter
    }

    /// The scalar at `offset` and its length; no scalar and one byte where the bytes are not UTF-8.
    private static func decode(_ text: UnsafeRawBufferPointer, at offset: Int) -> (scalar: UInt32?, length: Int) {
        let first = text[offset]
        let length: Int
        var scalar: UInt32
        switch first {
        case 0..<0x80: return (UInt32(first), 1)
        case 0xC2..<0xE0: (length, scalar) = (2, UInt32(first & 0x1F))
        case 0xE0..<0xF0: (length, scalar) = (3, UInt32(first & 0x0F))
        case 0xF0..<0xF5: (length, scalar) = (4, UInt32(first & 0x07))
        default: return (nil, 1)
        }
        guard offset + length <= text.count else { return (nil, 1) }
        for byte in text[offset + 1..<offset + length] {
            guard byte & 0xC0 == 0x80 else { return (nil, 1) }
            scalar = scalar << 6 | UInt32(byte & 0x3F)
        }
        let smallest: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000
        guard scalar >= smallest, scalar <= 0x10FFFF, !(0xD800...0xDFFF).contains(scalar) else { return (nil, 1) }
        return (scalar, length)
    }
}
