import JSON
import PipelineConfiguration
import Primitives

/// Holds values against the schemas that the document publishes, so that what it says is what is done. Knows the
/// keywords that `APISchema` writes.
struct SchemaCheck: Sendable {
    /// What it understands; a schema with other words would promise more than is checked.
    static let keywords: Set<String> = [
        "type", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "format", "properties", "required",
        "additionalProperties", "items", "minItems", "maxItems", "anyOf", "$ref", "description", "examples",
    ]
    /// More than that is the same mistake again.
    private static let mostErrors = 20

    private let components: [String: JSONValue]

    init(_ schemas: [(String, APISchema)]) {
        components = Dictionary(uniqueKeysWithValues: schemas.map { ($0.0, Self.tree($0.1)) })
    }

    /// Why the text of a parameter is not as declared; nil where it is.
    func fault(of text: String, _ schema: APISchema) -> String? {
        let tree = resolved(Self.tree(schema))
        let value: JSONValue =
            switch tree["type"].text {
            case "integer", "number": Self.isDigits(text) ? .number(text) : .string(text)
            case "boolean": text == "true" ? .bool(true) : text == "false" ? .bool(false) : .string(text)
            default: .string(text)
            }
        return errors(in: value, at: "", tree).first?.detail
    }

    /// What is wrong with a body; none where it is as declared.
    func errors(in value: JSONValue, _ schema: APISchema) -> [APIProblem.Detail] {
        Array(errors(in: value, at: "", Self.tree(schema)).prefix(Self.mostErrors))
    }

    private func errors(in value: JSONValue, at pointer: String, _ schema: JSONValue) -> [APIProblem.Detail] {
        let schema = resolved(schema)
        if case .array(let choices) = schema["anyOf"] {
            return alternatives(value, pointer, choices)
        }
        let fault = { (text: String) in [APIProblem.Detail(pointer: pointer, detail: text)] }
        if let expected = Self.typeFault(value, schema["type"].text) { return fault("must be \(expected)") }
        if case .array(let words) = schema["enum"], !words.contains(value) {
            return fault("must be one of \(words.map(\.text).joined(separator: ", "))")
        }
        switch value {
        case .string(let text): return Self.textFault(text, schema).map(fault) ?? []
        case .number(let digits): return Self.rangeFault(digits, schema).map(fault) ?? []
        case .array(let elements): return errors(elements, pointer, schema)
        case .object(let members): return errors(members, pointer, schema)
        case .null, .bool: return []
        }
    }

    /// The errors of the alternative that comes nearest: one whose type is right.
    private func alternatives(
        _ value: JSONValue, _ pointer: String, _ choices: [JSONValue]
    ) -> [APIProblem.Detail] {
        var nearest: [APIProblem.Detail]?
        for choice in choices {
            let errors = errors(in: value, at: pointer, choice)
            if errors.isEmpty { return [] }
            if Self.typeFault(value, resolved(choice)["type"].text) == nil { nearest = nearest ?? errors }
        }
        let types = choices.map { Self.article(resolved($0)["type"].text) }.joined(separator: " or ")
        return nearest ?? [APIProblem.Detail(pointer: pointer, detail: "must be \(types)")]
    }

    private func errors(
        _ elements: [JSONValue], _ pointer: String, _ schema: JSONValue
    ) -> [APIProblem.Detail] {
        if let most = schema["maxItems"].integer, elements.count > most {
            return [APIProblem.Detail(pointer: pointer, detail: "must have \(most) elements at most")]
        }
        if let least = schema["minItems"].integer, elements.count < least {
            return [APIProblem.Detail(pointer: pointer, detail: "must have \(least) elements at least")]
        }
        guard schema["items"] != .null else { return [] }
        var found: [APIProblem.Detail] = []
        for (index, element) in elements.enumerated() where found.count < Self.mostErrors {
            found += errors(in: element, at: "\(pointer)/\(index)", schema["items"])
        }
        return found
    }

    private func errors(
        _ members: [JSONMember], _ pointer: String, _ schema: JSONValue
    ) -> [APIProblem.Detail] {
        var found: [APIProblem.Detail] = []
        var seen: Set<String> = []
        let properties = schema["properties"]
        for member in members where found.count < Self.mostErrors {
            let place = pointer + "/" + Self.escaped(member.name)
            guard seen.insert(member.name).inserted else {
                found.append(APIProblem.Detail(pointer: place, detail: "comes twice"))
                continue
            }
            let declared = properties[member.name]
            if declared != .null {
                found += errors(in: member.value, at: place, declared)
            } else if schema["additionalProperties"] == .bool(false) {
                let known = properties.names.joined(separator: ", ")
                found.append(APIProblem.Detail(pointer: place, detail: "means nothing here; known are \(known)"))
            } else if case .object = schema["additionalProperties"] {
                found += errors(in: member.value, at: place, schema["additionalProperties"])
            }
        }
        for name in schema["required"].elements where !seen.contains(name.text) {
            found.append(APIProblem.Detail(pointer: "\(pointer)/\(Self.escaped(name.text))", detail: "is missing"))
        }
        return found
    }

    // MARK: Single values

    private static func textFault(_ text: String, _ schema: JSONValue) -> String? {
        let length = text.unicodeScalars.count
        if let least = schema["minLength"].integer, length < least {
            return least == 1 ? "must not be empty" : "must have \(least) characters at least"
        }
        if let most = schema["maxLength"].integer, length > most { return "must have \(most) characters at most" }
        if case .string(let pattern) = schema["pattern"], !matches(text, pattern) { return "must match \(pattern)" }
        if schema["format"] == .string("date-time"), RFC3339.nanoseconds(text) == nil {
            return "must be a time such as 2026-10-05T14:49:14Z"
        }
        return nil
    }

    /// The whole text must match: all our patterns begin with ^ and end with $.
    private static func matches(_ text: String, _ pattern: String) -> Bool {
        guard let regex = try? Regex(pattern).matchingSemantics(.unicodeScalar) else { return false }
        return (try? regex.wholeMatch(in: text)) != nil
    }

    private static func rangeFault(_ digits: String, _ schema: JSONValue) -> String? {
        guard let number = Double(digits) else { return "must be a number" }
        let (least, most) = (Double(schema["minimum"].text), Double(schema["maximum"].text))
        guard number >= least ?? -.infinity, number <= most ?? .infinity else {
            return switch (least, most) {
            case (_?, _?): "must be from \(schema["minimum"].text) to \(schema["maximum"].text)"
            case (_?, nil): "must be \(schema["minimum"].text) at least"
            default: "must be \(schema["maximum"].text) at most"
            }
        }
        return nil
    }

    /// What the value should have been; nil where it is.
    private static func typeFault(_ value: JSONValue, _ type: String) -> String? {
        let fits =
            switch (type, value) {
            case ("string", .string), ("boolean", .bool), ("array", .array), ("object", .object), ("null", .null),
                ("number", .number), ("", _):
                true
            // What is beyond 64 bits is whole, too; a range says more of it.
            case ("integer", .number(let digits)): value.integer != nil || (Double(digits) ?? 0).magnitude >= 0x1p63
            default: false
            }
        return fits ? nil : article(type)
    }

    private static func article(_ type: String) -> String {
        switch type {
        case "null": "null"
        case "integer": "a whole number"
        case "boolean": "true or false"
        case "array", "object": "an \(type)"
        default: "a \(type)"
        }
    }

    private static func isDigits(_ text: String) -> Bool {
        if case .number? = JSONValue.read(Array(text.utf8)) { text.utf8.allSatisfy { $0 > 0x20 } } else { false }
    }

    /// RFC 6901, section 3.
    private static func escaped(_ name: String) -> String {
        String(name.flatMap { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) })
    }

    private func resolved(_ schema: JSONValue) -> JSONValue {
        guard case .string(let reference) = schema["$ref"], let name = reference.split(separator: "/").last else {
            return schema
        }
        guard let component = components[String(name)] else { preconditionFailure("\(reference) is not declared") }
        return component
    }

    private static func tree(_ schema: APISchema) -> JSONValue {
        guard let tree = JSONValue.read(schema.json.bytes) else { preconditionFailure("a schema is not JSON") }
        return tree
    }
}

extension JSONValue {
    /// The names of an object's members, in their order.
    var names: [String] {
        if case .object(let members) = self { members.map(\.name) } else { [] }
    }
}
