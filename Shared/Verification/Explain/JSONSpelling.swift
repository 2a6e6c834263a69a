/// Writes JSON text again in another spelling without parsing it: only what stands between tokens changes, and how
/// characters beyond ASCII are written.
struct JSONSpelling {
    enum Spaces {
        case compact
        /// `, ` and `: `, as Python writes.
        case spaced
    }

    private let spaces: Spaces
    private let escapesNonASCII: Bool

    init(_ spaces: Spaces, escapesNonASCII: Bool = false) {
        self.spaces = spaces
        self.escapesNonASCII = escapesNonASCII
    }

    /// Nil for what does not begin like an object or array.
    func write(_ text: [UInt8]) -> [UInt8]? {
        guard let first = text.first(where: { !Self.isSpace($0) }),
            first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var isInString = false
        var isEscaped = false
        var place = 0
        while place < text.count {
            let byte = text[place]
            if isInString {
                if byte >= 0x80, escapesNonASCII {
                    place = appendEscaped(text, at: place, to: &output)
                    continue
                }
                output.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
            } else if !Self.isSpace(byte) {
                output.append(byte)
                if byte == UInt8(ascii: "\"") { isInString = true }
                if spaces == .spaced, byte == UInt8(ascii: ",") || byte == UInt8(ascii: ":") {
                    output.append(UInt8(ascii: " "))
                }
            }
            place += 1
        }
        return output
    }

    /// Appends one character as `\u` escapes and returns where the next begins.
    private func appendEscaped(_ text: [UInt8], at place: Int, to output: inout [UInt8]) -> Int {
        let length = text[place] >= 0xF0 ? 4 : text[place] >= 0xE0 ? 3 : 2
        let end = min(place + length, text.count)
        for unit in String(decoding: text[place..<end], as: UTF8.self).utf16 {
            let digits = String(unit, radix: 16)
            output.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
        }
        return end
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }
}
