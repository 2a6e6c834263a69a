import JSON
import Wire

/// How the parts of what is shown are written. Text from outside is escaped as in JSON, so that it cannot move a
/// terminal's cursor; bytes that are not UTF-8 are repaired.
extension ByteWriter {
    mutating func text(_ text: StaticString) { raw(text.bytes) }

    mutating func plain(_ text: UnsafeRawBufferPointer) {
        JSONString.append(repairing: text, to: &bytes, hidingControls: true)
    }

    mutating func plain(_ text: String) {
        var text = text
        text.withUTF8 { plain(UnsafeRawBufferPointer($0)) }
    }

    /// As a member of an object; `text` ends with the quote that opens the value.
    mutating func member(_ text: StaticString, _ value: String) {
        self.text(text)
        plain(value)
        u8(UInt8(ascii: "\""))
    }

    mutating func decimal(_ value: UInt64) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var start = 20
        var rest = value
        repeat {
            start -= 1
            let quotient = rest / 10
            digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest - quotient * 10)
            rest = quotient
        } while rest > 0
        withUnsafeBytes(of: digits) { raw(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    }

    /// 32 digits.
    mutating func hexadecimal(_ journal: JournalID) {
        var digits = InlineArray<32, UInt8>(repeating: 0)
        for place in 0..<32 {
            let half = place < 16 ? journal.high : journal.low
            let digit = UInt8(truncatingIfNeeded: half >> UInt64(60 - 4 * (place & 15))) & 0xF
            digits[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        }
        withUnsafeBytes(of: digits) { raw($0) }
    }
}

/// Escaped as what is printed is.
func printable(_ text: String) -> String {
    var writer = ByteWriter()
    writer.plain(text)
    return String(decoding: writer.bytes, as: UTF8.self)
}
