/// Lower-case hexadecimal digits, as Stream writes its signatures.
package enum Hexadecimal {
    /// Decodes exactly `into.count` bytes; false for anything but that many pairs of `0-9a-f`. Upper case is refused
    /// as Stream's own SDKs refuse it, so that a signature has one spelling.
    package static func decode(_ text: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
        guard text.count == bytes.count * 2 else { return false }
        for index in 0..<bytes.count {
            guard let high = digit(text[2 * index]), let low = digit(text[2 * index + 1]) else { return false }
            bytes[index] = high << 4 | low
        }
        return true
    }

    /// The digits of `bytes`.
    package static func encode(_ bytes: UnsafeRawBufferPointer) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(encodeDigit(byte >> 4))
            text.append(encodeDigit(byte & 0xF))
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    private static func encodeDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
