/// Hexadecimal digits.
package enum Hexadecimal {
    /// Decodes exactly `into.count` bytes; false for anything but that many pairs of `0-9a-fA-F`. What is compared are
    /// the bytes, so the case of the digits says nothing.
    package static func decode(_ text: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
        guard text.count == bytes.count * 2 else { return false }
        var all: UInt8 = 0
        for index in 0..<bytes.count {
            let high = digit(text[2 * index])
            let low = digit(text[2 * index + 1])
            all |= high | low
            bytes[index] = high << 4 | low & 0xF
        }
        return all < 0x10
    }

    /// The bytes of pairs of digits; nil for anything else.
    package static func decode(_ text: [UInt8]) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: text.count / 2)
        let isRight = text.withUnsafeBytes { text in
            bytes.withUnsafeMutableBytes { decode(text, into: $0) }
        }
        return isRight ? bytes : nil
    }

    /// The digits of `bytes`, in lower case.
    package static func encode(_ bytes: UnsafeRawBufferPointer) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        encode(bytes, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends the digits of `bytes`, in lower case.
    package static func encode(_ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]) {
        for byte in bytes {
            text.append(encodeDigit(byte >> 4))
            text.append(encodeDigit(byte & 0xF))
        }
    }

    /// The value of a digit; 255 for anything else.
    private static func digit(_ character: UInt8) -> UInt8 {
        let decimal = character &- UInt8(ascii: "0")
        let letter = (character | 0x20) &- UInt8(ascii: "a")
        return decimal < 10 ? decimal : letter < 6 ? letter + 10 : .max
    }

    private static func encodeDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
