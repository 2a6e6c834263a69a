import JSON

/// The JSON Schemas (2020-12) of whole CloudEvents, one for each canonical family; committed in
/// `Shared/Providers/Schemas`.
package enum FamilySchema {
    /// The schema as text that ends with a line feed; nil if there is no such family.
    package static func json(_ family: String) -> String? {
        CanonicalVocabulary.family(named: family).flatMap { JSONValue.read(schema($0).bytes) }.map {
            $0.indented() + "\n"
        }
    }

    private static func schema(_ family: CanonicalFamily) -> JSONText {
        let isUnmapped = family.types.contains { $0.name == MappedType.unmapped }
        let isOfGateway = CanonicalVocabulary.ofGateway == family.name + "."
        var required = [
            "specversion", "id", "source", "type", "time", "datacontenttype", "provider", "timesource", "recordedtime",
            "sequence", "data",
        ]
        if !isUnmapped, !isOfGateway { required.append("providertype") }
        return .object([
            "$schema": .string("https://json-schema.org/draft/2020-12/schema"),
            "$id": .string("urn:tributary:schemas:\(family.name)"),
            "title": .string("Events of the family \(family.name)"),
            "description": .string(family.summary),
            "type": .string("object"),
            "required": .array(required.map(JSONText.string)),
            "properties": .object(
                attributes(family, source: isOfGateway ? "^/tributary$" : "^/sources/.")
                    + [("data", isOfGateway ? condition : payload(isUnmapped))]),
            "propertyNames": .object(["pattern": .string("^[a-z0-9]+$")]),
            "additionalProperties": .object([
                "type": .array([.string("string"), .string("integer"), .string("boolean")])
            ]),
        ])
    }

    private static func attributes(_ family: CanonicalFamily, source: String) -> [(String, JSONText)] {
        let types = family.types.map { JSONText.string(MappedType.prefix + $0.name) }
        return [
            ("specversion", .object(["const": .string("1.0")])),
            ("id", string("The provider's id of the event, or a generated one; unique together with source.")),
            (
                "source",
                string("The source in the gateway's configuration.", format: "uri-reference", pattern: source)
            ),
            ("type", .object(["enum": .array(types)])),
            ("subject", string("What the event is about.", pattern: printable)),
            ("time", string("When it happened.", format: "date-time")),
            ("timesource", string("Whose clock time is.", among: ["provider", "ingest"])),
            ("recordedtime", string("When the gateway received it.", format: "date-time")),
            ("provider", string("Who sent it.", pattern: "^[a-z0-9-]+$")),
            ("providertype", string("What the provider calls it.", pattern: printable)),
            ("partitionkey", string("The entity within which order matters.", pattern: printable)),
            ("sequence", string("The position in the event log; text order is log order.", pattern: "^[0-9]{20}$")),
            ("traceparent", string("The sender's W3C trace context.", pattern: "^[0-9a-f-]{55,256}$")),
            ("datacontenttype", .object(["const": .string("application/json")])),
        ]
    }

    /// CloudEvents forbids control characters in attributes.
    private static let printable = #"^[^\u0000-\u001f\u007f-\u009f]+$"#

    /// Only a generic source takes payloads that are no objects, and pointers lead into arrays at most.
    private static func payload(_ isUnmapped: Bool) -> JSONText {
        var members: [(String, JSONText)] = [
            ("description", .string("What the provider sent, with credentials replaced by \"[redacted]\"."))
        ]
        if !isUnmapped { members.append(("type", .array([.string("object"), .string("array")]))) }
        return .object(members)
    }

    /// What the gateway says about itself.
    private static let condition = JSONText.object([
        "type": .string("object"), "required": .array(["state", "text", "value"].map(JSONText.string)),
        "properties": .object([
            "state": string("Whether it began or is over.", among: ["raised", "cleared"]),
            "text": string("The same as a sentence."),
            "value": .object([
                "description": .string("What was measured: seconds, days, or a share."), "type": .string("number"),
            ]),
        ]),
    ])

    private static func string(
        _ description: String, format: String? = nil, pattern: String? = nil, among: [String]? = nil
    ) -> JSONText {
        var members: [(String, JSONText)] = [
            ("description", .string(description)), ("type", .string("string")), ("minLength", .number(1)),
        ]
        if let format { members.append(("format", .string(format))) }
        if let pattern { members.append(("pattern", .string(pattern))) }
        if let among { members.append(("enum", .array(among.map(JSONText.string)))) }
        return .object(members)
    }
}
