package import JSON
import Yams

/// Documents that people write as JSON or as YAML.
package enum YAMLDocument {
    /// The value that the text stands for; nil where it is neither. Unquoted words other than numbers, `true`, `false` and
    /// `null` are texts, as durations and times are.
    package static func read(_ bytes: [UInt8]) -> JSONValue? {
        if let value = JSONValue.read(bytes) { return value }
        guard let text = String(validating: bytes, as: UTF8.self), let node = try? compose(yaml: text, .basic) else {
            return nil
        }
        return value(node, depth: 0)
    }

    private static func value(_ node: Node, depth: Int) -> JSONValue? {
        // As deep as JSON is read.
        guard depth < 128 else { return nil }
        switch node {
        case .scalar(let scalar): return value(scalar)
        case .sequence(let sequence):
            let elements = sequence.compactMap { value($0, depth: depth + 1) }
            return elements.count == sequence.count ? .array(elements) : nil
        case .mapping(let mapping):
            let members = mapping.compactMap { name, node in
                name.scalar.flatMap { name in
                    value(node, depth: depth + 1).map { JSONMember(name: name.string, value: $0) }
                }
            }
            return members.count == mapping.count ? .object(members) : nil
        default: return nil
        }
    }

    private static func value(_ scalar: Node.Scalar) -> JSONValue {
        guard [.plain, .any].contains(scalar.style) else { return .string(scalar.string) }
        switch scalar.string {
        case "", "~", "null", "Null", "NULL": return .null
        default:
            // What JSON would read as a word or number of its own is one.
            switch JSONValue.read(Array(scalar.string.utf8)) {
            case .some(.number(let digits)): return .number(digits)
            case .some(.bool(let truth)): return .bool(truth)
            default: return .string(scalar.string)
            }
        }
    }
}
