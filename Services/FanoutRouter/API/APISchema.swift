import JSON

/// A JSON Schema (draft 2020-12) as it stands in the OpenAPI document.
struct APISchema: Sendable {
    let json: JSONText

    private init(_ members: [(String, JSONText)]) {
        json = .object(members)
    }

    /// Takes over a schema that is written already.
    init(raw json: JSONText) {
        self.json = json
    }

    /// One of `components/schemas`.
    static func ref(_ name: String) -> APISchema {
        APISchema([("$ref", .string("#/components/schemas/\(name)"))])
    }

    static func string(
        _ description: String = "", format: String? = nil, pattern: String? = nil, oneOf words: [String] = [],
        length: ClosedRange<Int>? = nil
    ) -> APISchema {
        var members: [(String, JSONText)] = [("type", .string("string"))]
        if !description.isEmpty { members.append(("description", .string(description))) }
        if let format { members.append(("format", .string(format))) }
        if let pattern { members.append(("pattern", .string(pattern))) }
        if !words.isEmpty { members.append(("enum", .array(words.map { .string($0) }))) }
        if let length {
            members.append(("minLength", .number(length.lowerBound)))
            members.append(("maxLength", .number(length.upperBound)))
        }
        return APISchema(members)
    }

    /// RFC 3339, in UTC where the router writes it.
    static func time(_ description: String = "") -> APISchema {
        string(description, format: "date-time")
    }

    static func integer(_ description: String = "", in range: ClosedRange<Int64>? = nil) -> APISchema {
        var members: [(String, JSONText)] = [("type", .string("integer"))]
        if !description.isEmpty { members.append(("description", .string(description))) }
        if let range {
            members.append(("minimum", .number(range.lowerBound)))
            members.append(("maximum", .number(range.upperBound)))
        }
        return APISchema(members)
    }

    static func number(_ description: String = "") -> APISchema {
        var members: [(String, JSONText)] = [("type", .string("number"))]
        if !description.isEmpty { members.append(("description", .string(description))) }
        return APISchema(members)
    }

    static let boolean = APISchema([("type", .string("boolean"))])

    static func array(of element: APISchema, _ description: String = "", most: Int? = nil) -> APISchema {
        var members: [(String, JSONText)] = [("type", .string("array")), ("items", element.json)]
        if !description.isEmpty { members.append(("description", .string(description))) }
        if let most { members.append(("maxItems", .number(most))) }
        return APISchema(members)
    }

    /// `required` are the names that must be there; others than those listed are refused.
    static func object(
        _ properties: [(String, APISchema)], required: [String] = [], _ description: String = ""
    ) -> APISchema {
        var members: [(String, JSONText)] = [("type", .string("object"))]
        if !description.isEmpty { members.append(("description", .string(description))) }
        members.append(("properties", .object(properties.map { ($0.0, $0.1.json) })))
        if !required.isEmpty { members.append(("required", .array(required.map { .string($0) }))) }
        members.append(("additionalProperties", .bool(false)))
        return APISchema(members)
    }

    static func anyOf(_ schemas: [APISchema]) -> APISchema {
        APISchema([("anyOf", .array(schemas.map(\.json)))])
    }

    /// The same or null.
    var orNull: APISchema {
        .anyOf([self, APISchema([("type", .string("null"))])])
    }
}
