/// Hexadecimal digits.
package enum Hexadecimal {
    /// Decodes exactly `into.count` bytes; false for anything but that many pairs of `0-9a-fA-F`. What is compared are
    /// the bytes, so the case of the digits says nothing.
    package static func decode(_ text: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
        guard text.count == bytes.count * 2 else { return false }
        var (all, decoded): (UInt8, Int) = (0, 0)
        while bytes.count - decoded >= 4 {
            let digits = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: 2 * decoded, as: UInt64.self))
            guard let four = fourBytes(digits) else { return false }
            bytes.storeBytes(of: four.littleEndian, toByteOffset: decoded, as: UInt32.self)
            decoded += 4
        }
        for index in decoded..<bytes.count {
            let high = digit(text[2 * index])
            let low = digit(text[2 * index + 1])
            all |= high | low
            bytes[index] = high << 4 | low & 0xF
        }
        return all < 0x10
    }

    /// What eight digits stand for, the first of them in the lowest byte; nil where they are not all digits. Every step works
    /// on all of them at once: in a sum of bytes below 128 nothing is carried from one into the next.
    private static func fourBytes(_ digits: UInt64) -> UInt32? {
        func each(_ byte: UInt64) -> UInt64 { byte &* 0x0101_0101_0101_0101 }
        guard digits & each(0x80) == 0 else { return nil }
        /// The highest bit of each byte that lies between two values.
        func within(_ bytes: UInt64, _ least: UInt64, _ most: UInt64) -> UInt64 {
            (bytes &+ each(0x80 - least)) & ~(bytes &+ each(0x7F - most)) & each(0x80)
        }
        let lowercase = digits | each(0x20)
        guard within(digits, 0x30, 0x39) | within(lowercase, 0x61, 0x66) == each(0x80) else { return nil }
        // Letters have the bit 0x40, and count from 9 more than their low bits say.
        let values = (digits & each(0x0F)) &+ ((digits >> 6) & each(0x01)) &* 9
        var bytes = (values << 4 | values >> 8) & 0x00FF_00FF_00FF_00FF
        bytes = (bytes | bytes >> 8) & 0x0000_FFFF_0000_FFFF
        return UInt32(truncatingIfNeeded: bytes | bytes >> 16)
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
