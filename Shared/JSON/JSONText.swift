/// JSON that was already written: values are put together as text, without a tree and without Foundation.
package struct JSONText: Sendable, Equatable, CustomStringConvertible {
    /// UTF-8.
    package let bytes: [UInt8]

    /// Takes over what is JSON already, such as a rendered event; it is not checked.
    package init(raw bytes: [UInt8]) {
        self.bytes = bytes
    }

    private init(_ text: String) {
        bytes = Array(text.utf8)
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
    package var description: String { text }

    package static let null = JSONText("null")

    package static func bool(_ value: Bool) -> JSONText {
        JSONText(value ? "true" : "false")
    }

    /// Any integer, with all its digits.
    package static func number(_ value: some BinaryInteger) -> JSONText {
        JSONText(String(value))
    }

    /// A finite number; others become null, for which JSON has no word.
    package static func number(_ value: Double) -> JSONText {
        value.isFinite ? JSONText("\(value)") : .null
    }

    /// A string, escaped; control characters and the line separators of JavaScript as \u.
    package static func string(_ text: String) -> JSONText {
        var bytes = [UInt8(ascii: "\"")]
        bytes.reserveCapacity(text.utf8.count + 2)
        var text = text
        text.withUTF8 { JSONString.append(UnsafeRawBufferPointer($0), to: &bytes, hidingControls: true) }
        bytes.append(UInt8(ascii: "\""))
        return JSONText(raw: bytes)
    }

    /// The value's JSON, or null.
    package static func optional<Value>(_ value: Value?, _ write: (Value) -> JSONText) -> JSONText {
        value.map(write) ?? .null
    }

    package static func array(_ elements: [JSONText]) -> JSONText {
        joined(elements.map(\.bytes), open: UInt8(ascii: "["), close: UInt8(ascii: "]"))
    }

    /// Members in the order given; their names are escaped.
    package static func object(_ members: [(String, JSONText)]) -> JSONText {
        let written = members.map { string($0.0).bytes + [UInt8(ascii: ":")] + $0.1.bytes }
        return joined(written, open: UInt8(ascii: "{"), close: UInt8(ascii: "}"))
    }

    package static func object(_ members: KeyValuePairs<String, JSONText>) -> JSONText {
        object(members.map { ($0.key, $0.value) })
    }

    private static func joined(_ parts: [[UInt8]], open: UInt8, close: UInt8) -> JSONText {
        var bytes = [open]
        bytes.reserveCapacity(parts.reduce(parts.count + 2) { $0 + $1.count })
        for (index, part) in parts.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += part
        }
        bytes.append(close)
        return JSONText(raw: bytes)
    }
}
