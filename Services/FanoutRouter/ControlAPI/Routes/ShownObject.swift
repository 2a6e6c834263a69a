import JSON
import PipelineConfiguration

/// An object that the API shows: a row per member, from which its JSON and its schema come. Every member is always there.
struct ShownObject<Value>: Sendable {
    struct Member: Sendable {
        let name: String
        let schema: APISchema
        let json: @Sendable (Value) -> JSONText

        init(_ name: String, _ schema: APISchema, _ json: @escaping @Sendable (Value) -> JSONText) {
            self.name = name
            self.schema = schema
            self.json = json
        }

        /// Text that its name says enough of.
        init(_ name: String, _ json: @escaping @Sendable (Value) -> JSONText) { self.init(name, .string(), json) }
    }

    private let members: [Member]
    private let description: String

    init(_ description: String, _ members: [Member]) {
        self.members = members
        self.description = description
    }

    init(_ members: [Member]) { self.init("", members) }

    func json(_ value: Value) -> JSONText {
        .object(values(value))
    }

    func values(_ value: Value) -> [(String, JSONText)] { members.map { ($0.name, $0.json(value)) } }

    var schema: APISchema { .whole(schemas, description) }

    var schemas: [(String, APISchema)] { members.map { ($0.name, $0.schema) } }
}
