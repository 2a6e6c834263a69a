/// JSON as it was read: members keep their order and numbers their digits, because positions and nanoseconds do not
/// fit into a Double.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// As written.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])

    /// The member of an object; of a name that comes twice, the first. Null where there is none.
    package subscript(_ name: String) -> JSONValue {
        if case .object(let members) = self { members.first { $0.name == name }?.value ?? .null } else { .null }
    }

    /// The elements of an array, otherwise none.
    package var elements: [JSONValue] {
        if case .array(let elements) = self { elements } else { [] }
    }

    /// The string, the number as written, or nothing.
    package var text: String {
        switch self {
        case .string(let text), .number(let text): text
        case .bool(let value): value ? "true" : "false"
        default: ""
        }
    }

    /// The value of a number that is whole, however it is written: 12642.0 and 1e3 are.
    package var integer: Int64? {
        if case .number(let digits) = self { WholeNumber.value(digits) } else { nil }
    }

    /// Reads one whole JSON text (RFC 8259), 128 levels deep at most. Nil for anything else.
    package static func read(_ bytes: [UInt8]) -> JSONValue? {
        JSONParser.read(bytes)
    }

    /// Back to JSON on one line.
    package var json: JSONText {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .number(let digits): JSONText(raw: Array(digits.utf8))
        case .string(let text): .string(text)
        case .array(let elements): .array(elements.map(\.json))
        case .object(let members): .object(members.map { ($0.name, $0.value.json) })
        }
    }

    /// For reading: two blanks per level, arrays and objects of at most `width` columns on one line.
    package func indented(_ depth: Int = 0, width: Int = 100) -> String {
        let line = json.text
        if line.count + 2 * depth <= width { return line }
        let margin = String(repeating: "  ", count: depth + 1)
        let end = "\n" + String(repeating: "  ", count: depth)
        switch self {
        case .array(let elements) where !elements.isEmpty:
            return "[\n" + elements.map { margin + $0.indented(depth + 1, width: width) }.joined(separator: ",\n") + end
                + "]"
        case .object(let members) where !members.isEmpty:
            let lines = members.map {
                "\(margin)\(JSONText.string($0.name)): \($0.value.indented(depth + 1, width: width))"
            }
            return "{\n" + lines.joined(separator: ",\n") + end + "}"
        default:
            return line
        }
    }
}

/// A member of a JSON object.
package struct JSONMember: Sendable, Equatable {
    package let name: String
    package let value: JSONValue

    package init(name: String, value: JSONValue) {
        self.name = name
        self.value = value
    }
}
