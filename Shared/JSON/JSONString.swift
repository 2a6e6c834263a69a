/// Writes the inside of a JSON string (RFC 8259, section 7).
package enum JSONString {
    /// Appends UTF-8 escaped, without quotes. `hidingControls`: DEL, the controls of ISO 8859 and JavaScript's line
    /// separators are escaped too, so that a terminal or a script can be shown the text.
    package static func append(
        _ text: UnsafeRawBufferPointer, to bytes: inout [UInt8], hidingControls: Bool = false
    ) {
        var start = 0
        var place = plainBytes(text)
        while place < text.count {
            let byte = text[place]
            var length = 1
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[start..<place]))
                bytes.append(UInt8(ascii: "\\"))
                escape(byte, to: &bytes)
                start = place + 1
            } else if hidingControls, byte >= 0x7F, let hidden = hidden(text, at: place) {
                length = hidden.length
                bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[start..<place]))
                bytes.append(UInt8(ascii: "\\"))
                unicode(hidden.scalar, to: &bytes)
                start = place + length
            }
            place += length
        }
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[start...]))
    }

    /// Appends text escaped, without quotes; bytes that are not UTF-8 are repaired with U+FFFD.
    package static func append(repairing text: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        if plainBytes(text) == text.count { return bytes.append(contentsOf: text) }
        if text.allSatisfy({ $0 < 0x80 }) { return append(text, to: &bytes) }
        var repaired = String(decoding: text, as: UTF8.self)
        repaired.withUTF8 { append(UnsafeRawBufferPointer($0), to: &bytes) }
    }

    /// How many bytes at the beginning are sure to be ASCII that stands for itself, looked at by eight.
    private static func plainBytes(_ text: UnsafeRawBufferPointer) -> Int {
        func hasZero(_ eight: UInt64) -> UInt64 { (eight &- 0x0101_0101_0101_0101) & ~eight }
        var place = 0
        while place + 8 <= text.count {
            let eight = text.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            let controls = (eight &- 0x2020_2020_2020_2020) & ~eight
            let signs =
                hasZero(eight ^ 0x2222_2222_2222_2222) | hasZero(eight ^ 0x5C5C_5C5C_5C5C_5C5C)
                | hasZero(eight ^ 0x7F7F_7F7F_7F7F_7F7F)
            guard (eight | controls | signs) & 0x8080_8080_8080_8080 == 0 else { return place }
            place += 8
        }
        while place < text.count, (0x20..<0x7F).contains(text[place]), text[place] != 0x22, text[place] != 0x5C {
            place += 1
        }
        return place
    }

    private static func escape(_ byte: UInt8, to bytes: inout [UInt8]) {
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0..<0x20: unicode(UInt16(byte), to: &bytes)
        default: bytes.append(byte)
        }
    }

    private static func unicode(_ unit: UInt16, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "u"))
        for shift: UInt16 in [12, 8, 4, 0] {
            let digit = UInt8(unit >> shift & 0xF)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    /// U+007F to U+009F, U+2028 and U+2029, and how many bytes they are.
    private static func hidden(_ text: UnsafeRawBufferPointer, at place: Int) -> (scalar: UInt16, length: Int)? {
        func next(_ offset: Int) -> UInt8 { place + offset < text.count ? text[place + offset] : 0 }
        switch (text[place], next(1), next(2)) {
        case (0x7F, _, _): return (0x7F, 1)
        case (0xC2, 0x80...0x9F, _): return (UInt16(next(1)), 2)
        case (0xE2, 0x80, 0xA8...0xA9): return (0x2000 | UInt16(next(2) & 0x3F), 3)
        default: return nil
        }
    }
}
