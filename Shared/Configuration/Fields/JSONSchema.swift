package import JSON

/// A JSON Schema (draft 2020-12) under construction.
package struct JSONSchema: Sendable {
    private let members: [(String, JSONText)]

    private init(_ members: [(String, JSONText)]) {
        self.members = members
    }

    /// Takes over a schema that is written already.
    package init(raw json: JSONText) {
        guard case .object(let members)? = JSONValue.read(json.bytes) else { preconditionFailure("no object: \(json)") }
        self.members = members.map { ($0.name, $0.value.json) }
    }

    package var json: JSONText { .object(members) }

    /// Whether it says nothing of its own yet about what it is for.
    private var isDescribed: Bool { members.contains { $0.0 == "description" } }

    /// A schema that is defined elsewhere in the document.
    package static func reference(_ pointer: String) -> JSONSchema {
        JSONSchema([("$ref", .string(pointer))])
    }

    package static func string(
        _ description: String = "", format: String? = nil, pattern: String? = nil, oneOf words: [String] = [],
        length: ClosedRange<Int>? = nil
    ) -> JSONSchema {
        var members = typed("string", description)
        if let format { members.append(("format", .string(format))) }
        if let pattern { members.append(("pattern", .string(pattern))) }
        if !words.isEmpty { members.append(("enum", .array(words.map { .string($0) }))) }
        if let length {
            members.append(("minLength", .number(length.lowerBound)))
            members.append(("maxLength", .number(length.upperBound)))
        }
        return JSONSchema(members)
    }

    /// RFC 3339, in UTC where the router writes it.
    package static func time(_ description: String = "") -> JSONSchema {
        string(description, format: "date-time")
    }

    package static func integer(_ description: String = "", in range: ClosedRange<Int64>? = nil) -> JSONSchema {
        var members = typed("integer", description)
        if let range {
            members.append(("minimum", .number(range.lowerBound)))
            members.append(("maximum", .number(range.upperBound)))
        }
        return JSONSchema(members)
    }

    package static func number(_ description: String = "", in range: ClosedRange<Double>? = nil) -> JSONSchema {
        var members = typed("number", description)
        func bound(_ value: Double) -> JSONText { Int64(exactly: value).map { .number($0) } ?? .number(value) }
        if let range { members += [("minimum", bound(range.lowerBound)), ("maximum", bound(range.upperBound))] }
        return JSONSchema(members)
    }

    package static let boolean = JSONSchema(typed("boolean", ""))

    package static func array(
        of element: JSONSchema, _ description: String = "", least: Int? = nil, most: Int? = nil
    ) -> JSONSchema {
        var members = typed("array", description, ("items", element.json))
        if let least { members.append(("minItems", .number(least))) }
        if let most { members.append(("maxItems", .number(most))) }
        return JSONSchema(members)
    }

    /// `required` are the names that must be there; others than those listed are refused.
    package static func object(
        _ properties: [(String, JSONSchema)], required: [String] = [], _ description: String = ""
    ) -> JSONSchema {
        var members = typed("object", description)
        members.append(("properties", .object(properties.map { ($0.0, $0.1.json) })))
        if !required.isEmpty { members.append(("required", .array(required.map { .string($0) }))) }
        members.append(("additionalProperties", .bool(false)))
        return JSONSchema(members)
    }

    package static func object(
        _ properties: KeyValuePairs<String, JSONSchema>, required: [String] = [], _ description: String = ""
    ) -> JSONSchema {
        object(properties.map { ($0.key, $0.value) }, required: required, description)
    }

    /// An object with members of any name.
    package static func map(of value: JSONSchema, _ description: String = "") -> JSONSchema {
        JSONSchema(typed("object", description) + [("additionalProperties", value.json)])
    }

    package static func anyOf(_ schemas: [JSONSchema]) -> JSONSchema {
        JSONSchema([("anyOf", .array(schemas.map(\.json)))])
    }

    /// The same or null.
    package var orNull: JSONSchema {
        .anyOf([self, JSONSchema([("type", .string("null"))])])
    }

    /// The same with another member, such as `default` or `allOf`.
    package func with(_ name: String, _ value: JSONText) -> JSONSchema {
        JSONSchema(members + [(name, value)])
    }

    /// The same with a description, where it has none.
    package func described(_ description: String) -> JSONSchema {
        guard !description.isEmpty, !isDescribed else { return self }
        var members = members
        members.insert(("description", .string(description)), at: members.first?.0 == "type" ? 1 : 0)
        return JSONSchema(members)
    }

    private static func typed(
        _ type: String, _ description: String, _ more: (String, JSONText)...
    ) -> [(String, JSONText)] {
        [("type", .string(type))] + more + (description.isEmpty ? [] : [("description", .string(description))])
    }
}
