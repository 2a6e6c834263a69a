/// Writes the inside of a JSON string (RFC 8259, section 7).
package enum JSONString {
    /// Appends UTF-8 escaped, without quotes. `hidingControls`: DEL, the controls of ISO 8859 and JavaScript's line
    /// separators are escaped too, so that a terminal or a script can be shown the text.
    package static func append(
        _ text: UnsafeRawBufferPointer, to bytes: inout [UInt8], hidingControls: Bool = false
    ) {
        var start = 0
        var place = 0
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
        if text.allSatisfy({ $0 < 0x80 }) { return append(text, to: &bytes) }
        var repaired = String(decoding: text, as: UTF8.self)
        repaired.withUTF8 { append(UnsafeRawBufferPointer($0), to: &bytes) }
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
