/// Base64 with the standard alphabet and padding (RFC 4648, section 4), strictly: every byte sequence has exactly one
/// spelling, so that no other spelling of a signature passes for it.
package enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// The decoded bytes; nil for anything that `encode` would not write.
    package static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count.isMultiple(of: 4) else { return nil }
        var padding = 0
        while padding < 2, padding < text.count, text[text.count - 1 - padding] == UInt8(ascii: "=") { padding += 1 }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var accumulated: UInt32 = 0
        var bits = 0
        for character in text.dropLast(padding) {
            guard let value = digit(character) else { return nil }
            accumulated = accumulated << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: accumulated >> UInt32(bits)))
            }
        }
        let unused = accumulated & ((1 << UInt32(bits)) - 1)
        return unused == 0 ? bytes : nil
    }

    /// Appends the text of `bytes`, padded.
    package static func encode(_ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        let alphabet = alphabet.bytes
        var index = 0
        while index < bytes.count {
            let second = index + 1 < bytes.count ? bytes[index + 1] : 0
            let third = index + 2 < bytes.count ? bytes[index + 2] : 0
            let group = UInt32(bytes[index]) << 16 | UInt32(second) << 8 | UInt32(third)
            writer.u8(alphabet[Int(group >> 18)])
            writer.u8(alphabet[Int(group >> 12 & 63)])
            writer.u8(index + 1 < bytes.count ? alphabet[Int(group >> 6 & 63)] : UInt8(ascii: "="))
            writer.u8(index + 2 < bytes.count ? alphabet[Int(group & 63)] : UInt8(ascii: "="))
            index += 3
        }
    }

    /// The text of `bytes`, padded.
    package static func encode(_ bytes: UnsafeRawBufferPointer) -> String {
        var writer = ByteWriter(reservingBytes: (bytes.count + 2) / 3 * 4)
        encode(bytes, to: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
