import JSON
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
        value.withUTF8 { JSONString.append(UnsafeRawBufferPointer($0), to: &bytes) }
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
}
