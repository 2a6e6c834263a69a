import Wire

/// JSON text of objects while it is being written. Its memory is used again.
struct JSONObjectText {
    private(set) var bytes: [UInt8] = []
    private var isFirst = true

    /// Memory beyond this, grown for one large text, is given back.
    private static let keptBytes = 256 * 1024

    mutating func reset() {
        bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptBytes)
        isFirst = true
    }

    /// Opens an object that stands alone or in a list.
    mutating func open() {
        separate()
        bytes.append(UInt8(ascii: "{"))
        isFirst = true
    }

    /// Opens an object that is a member.
    mutating func open(_ name: StaticString) {
        key(name)
        bytes.append(UInt8(ascii: "{"))
        isFirst = true
    }

    mutating func close() {
        bytes.append(UInt8(ascii: "}"))
        isFirst = false
    }

    mutating func openList(_ name: StaticString) {
        key(name)
        bytes.append(UInt8(ascii: "["))
        isFirst = true
    }

    mutating func closeList() {
        bytes.append(UInt8(ascii: "]"))
        isFirst = false
    }

    /// Adds a string, unless it is empty.
    mutating func member(_ name: StaticString, _ value: String, evenEmpty: Bool = false) {
        guard evenEmpty || !value.isEmpty else { return }
        key(name)
        bytes.append(UInt8(ascii: "\""))
        var value = value
        value.withUTF8 { appendEscaped(UnsafeRawBufferPointer($0)) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Adds an enumeration, unless it is 0: its name, else its number.
    mutating func member(_ name: StaticString, _ value: StaticString?, orNumber number: Int) {
        guard number != 0 else { return }
        key(name)
        if let value {
            bytes.append(UInt8(ascii: "\""))
            bytes.append(contentsOf: value.bytes)
            bytes.append(UInt8(ascii: "\""))
        } else {
            bytes.append(contentsOf: String(number).utf8)
        }
    }

    private mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
    }

    private mutating func key(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: name.bytes)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func appendEscaped(_ text: UnsafeRawBufferPointer) {
        var start = 0
        for (offset, byte) in text.enumerated() where Self.needsEscape(byte) {
            bytes.append(contentsOf: text[start..<offset])
            start = offset + 1
            bytes.append(UInt8(ascii: "\\"))
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
            case 0x08: bytes.append(UInt8(ascii: "b"))
            case 0x09: bytes.append(UInt8(ascii: "t"))
            case 0x0A: bytes.append(UInt8(ascii: "n"))
            case 0x0C: bytes.append(UInt8(ascii: "f"))
            case 0x0D: bytes.append(UInt8(ascii: "r"))
            default:
                let low = byte & 0xF
                bytes.append(contentsOf: "u00".utf8)
                bytes.append(UInt8(ascii: "0") + byte >> 4)
                bytes.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
            }
        }
        bytes.append(contentsOf: text[start...])
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }
}
