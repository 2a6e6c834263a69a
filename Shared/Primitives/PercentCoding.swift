/// Percent-encoding (RFC 3986, section 2.1).
package enum PercentCoding {
    /// `bytes` with everything but the unreserved characters escaped: fit for a part of a path or of a query.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.append(byte)
            default: append(byte, to: &text)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends `byte` encoded, with capital digits.
    package static func append(_ byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "%"))
        bytes.append(digit(byte >> 4))
        bytes.append(digit(byte & 0xF))
    }

    /// `text` with `%41` and, in queries and forms, `+` replaced; nil where an escape is cut off or has no digits.
    /// `strictly` wants the escapes in upper case, so that one text has one spelling.
    package static func decode(
        _ text: UnsafeRawBufferPointer, plusIsSpace: Bool, strictly: Bool = false
    ) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var place = 0
        while place < text.count {
            switch text[place] {
            case UInt8(ascii: "%"):
                guard place + 2 < text.count, let high = value(text[place + 1], strictly),
                    let low = value(text[place + 2], strictly)
                else { return nil }
                bytes.append(high << 4 | low)
                place += 3
            case UInt8(ascii: "+") where plusIsSpace:
                bytes.append(UInt8(ascii: " "))
                place += 1
            case let byte:
                bytes.append(byte)
                place += 1
            }
        }
        return bytes
    }

    /// The same of a text; nil for what is not UTF-8, too.
    package static func decode(_ text: Substring, plusIsSpace: Bool) -> String? {
        var text = text
        let bytes = text.withUTF8 { decode(UnsafeRawBufferPointer($0), plusIsSpace: plusIsSpace) }
        return bytes.flatMap { String(validating: $0, as: UTF8.self) }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    private static func value(_ character: UInt8, _ strictly: Bool) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f") where !strictly: character - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
