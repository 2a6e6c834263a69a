import PipelineConfiguration

extension APIParameter {
    /// The parameters of every list.
    static let page = [
        query("limit", .integer(in: 1...1000), "How many elements the answer holds at most; 100 where left out."),
        query("cursor", .string(length: 1...1024), "The `next_cursor` of the page before."),
    ]

    static let since = query("since", .time(), "Only what happened then or later.")
    static let until = query("until", .time(), "Only what happened before.")
}

/// What parameters and bodies must be, as it stands in the OpenAPI document.
typealias APISchema = JSONSchema

extension APISchema {
    /// One of `components/schemas`.
    static func ref(_ name: String) -> APISchema { reference("#/components/schemas/\(name)") }

    /// The largest number that JSON carries everywhere (RFC 8259, section 6).
    static let mostPosition: Int64 = 1 << 53 - 1

    /// A position of the event log.
    static let position = integer("A position of the event log.", in: 1...mostPosition)

    /// A page of a list whose elements are under `name`.
    static func page(_ name: String, of element: APISchema) -> APISchema {
        whole([(name, .array(of: element)), ("next_cursor", nextCursor)])
    }

    static let nextCursor = string("Pass it as `cursor` to go on; null at the end.").orNull

    /// An object that has all of these members.
    static func whole(_ members: [(String, APISchema)], _ description: String = "") -> APISchema {
        object(members, required: members.map(\.0), description)
    }

    static func whole(_ members: KeyValuePairs<String, APISchema>, _ description: String = "") -> APISchema {
        whole(members.map { ($0.key, $0.value) }, description)
    }
}
