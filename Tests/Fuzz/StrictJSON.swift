/// A second opinion on what is JSON (RFC 8259, UTF-8 as RFC 3629 has it, no lone surrogates in escapes), written without
/// a look at the first: slow, simple, and by the grammar.
struct StrictJSON {
    enum Verdict {
        case valid
        case invalid
    }

    private let bytes: UnsafeRawBufferPointer
    private var offset = 0
    /// The most arrays and objects that were open at once.
    private(set) var depth = 0

    private init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    static func verdict(_ bytes: UnsafeRawBufferPointer) -> Verdict {
        examine(bytes).verdict
    }

    /// What it is, and how deep.
    static func examine(_ bytes: UnsafeRawBufferPointer) -> (verdict: Verdict, depth: Int) {
        guard String(validating: bytes, as: UTF8.self) != nil else { return (.invalid, 0) }
        var reading = StrictJSON(bytes)
        let isValid = reading.text()
        return (isValid ? .valid : .invalid, reading.depth)
    }

    /// One value with nothing but blanks around it. Keeps a stack of its own, because depth is the input's choice.
    private mutating func text() -> Bool {
        var open: [UInt8] = []
        while true {
            skipBlanks()
            guard let isContainer = beginValue(&open) else { return false }
            if isContainer { continue }
            // A value has ended: close what ends with it.
            while true {
                skipBlanks()
                guard let container = open.last else { return offset == bytes.count }
                if take(UInt8(ascii: ",")) {
                    if container == UInt8(ascii: "{"), !key() { return false }
                    break
                }
                guard take(container == UInt8(ascii: "{") ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { return false }
                open.removeLast()
            }
        }
    }

    /// Takes a scalar or an empty container (false), or the opening of a container up to its first value (true); nil
    /// where neither stands.
    private mutating func beginValue(_ open: inout [UInt8]) -> Bool? {
        guard let first = peek else { return nil }
        switch first {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            offset += 1
            depth = max(depth, open.count + 1)
            skipBlanks()
            if take(first == UInt8(ascii: "{") ? UInt8(ascii: "}") : UInt8(ascii: "]")) { return false }
            open.append(first)
            if first == UInt8(ascii: "{"), !key() { return nil }
            return true
        case UInt8(ascii: "\""): return string() ? false : nil
        case UInt8(ascii: "t"): return word("true") ? false : nil
        case UInt8(ascii: "f"): return word("false") ? false : nil
        case UInt8(ascii: "n"): return word("null") ? false : nil
        default: return number() ? false : nil
        }
    }

    private mutating func key() -> Bool {
        skipBlanks()
        guard string() else { return false }
        skipBlanks()
        return take(UInt8(ascii: ":"))
    }

    private mutating func string() -> Bool {
        guard take(UInt8(ascii: "\"")) else { return false }
        while let byte = peek {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""): return true
            case UInt8(ascii: "\\"): guard escape() else { return false }
            case 0..<0x20: return false
            default: break
            }
        }
        return false
    }

    private mutating func escape() -> Bool {
        guard let byte = peek else { return false }
        offset += 1
        guard byte == UInt8(ascii: "u") else { return "\"\\/bfnrt".utf8.contains(byte) }
        guard let unit = codeUnit() else { return false }
        if (0xDC00...0xDFFF).contains(unit) { return false }
        guard (0xD800...0xDBFF).contains(unit) else { return true }
        guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")), let low = codeUnit() else { return false }
        return (0xDC00...0xDFFF).contains(low)
    }

    private mutating func codeUnit() -> UInt32? {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                return nil
            }
            unit = unit << 4 | UInt32(digit)
            offset += 1
        }
        return unit
    }

    private mutating func number() -> Bool {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")), !digits() { return false }
        if take(UInt8(ascii: ".")), !digits() { return false }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            return digits()
        }
        return true
    }

    private mutating func digits() -> Bool {
        let start = offset
        while let byte = peek, (0x30...0x39).contains(byte) { offset += 1 }
        return offset > start
    }

    private mutating func word(_ word: String) -> Bool {
        for byte in word.utf8 { guard take(byte) else { return false } }
        return true
    }

    private mutating func skipBlanks() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { offset += 1 }
    }

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        offset += 1
        return true
    }
}
