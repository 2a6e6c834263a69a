/// The JSON Schemas (2020-12) of whole CloudEvents, one for each canonical family; committed in
/// `Shared/Providers/Schemas`.
package enum FamilySchema {
    /// The schema as text that ends with a line feed; nil if there is no such family.
    package static func json(_ family: String) -> String? {
        CanonicalVocabulary.family(named: family).map { schema($0).text() + "\n" }
    }

    private static func schema(_ family: CanonicalFamily) -> SchemaValue {
        let isUnmapped = family.types.contains { $0.name == MappedType.unmapped }
        var required = [
            "specversion", "id", "source", "type", "time", "datacontenttype", "provider", "timesource", "recordedtime",
            "sequence", "data",
        ]
        if !isUnmapped { required.append("providertype") }
        return .object([
            ("$schema", .text("https://json-schema.org/draft/2020-12/schema")),
            ("$id", .text("urn:tributary:schemas:\(family.name)")),
            ("title", .text("Events of the family \(family.name)")),
            ("description", .text(family.summary)),
            ("type", .text("object")),
            ("required", .array(required.map(SchemaValue.text))),
            ("properties", .object(attributes(family) + [("data", payload(isUnmapped))])),
            ("propertyNames", .object([("pattern", .text("^[a-z0-9]+$"))])),
            (
                "additionalProperties",
                .object([("type", .array([.text("string"), .text("integer"), .text("boolean")]))])
            ),
        ])
    }

    private static func attributes(_ family: CanonicalFamily) -> [(String, SchemaValue)] {
        let types = family.types.map { SchemaValue.text(MappedType.prefix + $0.name) }
        return [
            ("specversion", .object([("const", .text("1.0"))])),
            ("id", string("The provider's id of the event, or a generated one; unique together with source.")),
            (
                "source",
                string("The source in the gateway's configuration.", format: "uri-reference", pattern: "^/sources/.")
            ),
            ("type", .object([("enum", .array(types))])),
            ("subject", string("What the event is about.", pattern: printable)),
            ("time", string("When it happened.", format: "date-time")),
            ("timesource", string("Whose clock time is.", among: ["provider", "ingest"])),
            ("recordedtime", string("When the gateway received it.", format: "date-time")),
            ("provider", string("Who sent it.", pattern: "^[a-z0-9-]+$")),
            ("providertype", string("What the provider calls it.", pattern: printable)),
            ("partitionkey", string("The entity within which order matters.", pattern: printable)),
            ("sequence", string("The position in the event log; text order is log order.", pattern: "^[0-9]{20}$")),
            ("traceparent", string("The sender's W3C trace context.", pattern: "^[0-9a-f-]{55,256}$")),
            ("datacontenttype", .object([("const", .text("application/json"))])),
        ]
    }

    /// CloudEvents forbids control characters in attributes.
    private static let printable = #"^[^\u0000-\u001f\u007f-\u009f]+$"#

    /// Only a generic source takes payloads that are no objects, and pointers lead into arrays at most.
    private static func payload(_ isUnmapped: Bool) -> SchemaValue {
        var members: [(String, SchemaValue)] = [
            ("description", .text("What the provider sent, with credentials replaced by \"[redacted]\"."))
        ]
        if !isUnmapped { members.append(("type", .array([.text("object"), .text("array")]))) }
        return .object(members)
    }

    private static func string(
        _ description: String, format: String? = nil, pattern: String? = nil, among: [String]? = nil
    ) -> SchemaValue {
        var members: [(String, SchemaValue)] = [
            ("description", .text(description)), ("type", .text("string")), ("minLength", .number(1)),
        ]
        if let format { members.append(("format", .text(format))) }
        if let pattern { members.append(("pattern", .text(pattern))) }
        if let among { members.append(("enum", .array(among.map(SchemaValue.text)))) }
        return .object(members)
    }
}

/// JSON that is written, members in order; for documents, not for the way of events.
package indirect enum SchemaValue {
    case text(String)
    case number(Int)
    case array([SchemaValue])
    case object([(String, SchemaValue)])

    /// Two blanks per level; arrays stay on their line.
    package func text(_ depth: Int = 0) -> String {
        switch self {
        case .text(let text): return Self.quoted(text)
        case .number(let number): return String(number)
        case .array(let elements):
            return "[" + elements.map { $0.text(depth + 1) }.joined(separator: ", ") + "]"
        case .object(let members):
            let margin = String(repeating: "  ", count: depth + 1)
            let lines = members.map { "\(margin)\(Self.quoted($0.0)): \($0.1.text(depth + 1))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n" + margin.dropLast(2) + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
