import Executable
import JSON
import PipelineConfiguration

/// The OpenAPI 3.1 document: the table of operations in the words that tools understand.
enum OpenAPIDocument {
    /// Of the operations with these schemas as components.
    static func json(_ operations: [APIOperation], schemas: [(String, APISchema)]) -> JSONText {
        var paths: [(path: String, operations: [APIOperation])] = []
        for operation in operations {
            if let place = paths.firstIndex(where: { $0.path == operation.path }) {
                paths[place].operations.append(operation)
            } else {
                paths.append((operation.path, [operation]))
            }
        }
        return .object([
            "openapi": .string("3.1.0"), "info": about, "servers": .array([server]),
            "tags": .array(tags(operations)),
            "paths": .object(
                paths.map { path, operations in
                    (path, .object(operations.map { ($0.method.rawValue.lowercased(), entry($0)) }))
                }),
            "components": .object([
                "schemas": .object(schemas.map { ($0.0, $0.1.json) }),
                "responses": .object(problemResponses),
                "securitySchemes": .object(["bearer": bearer]),
            ]),
        ])
    }

    private static let about = JSONText.object([
        "title": .string("Tributary control API"), "version": .string(TributaryVersion.current),
        "summary": .string("Subscriptions, events, deliveries, dead letters, quarantine and replays of one router."),
        "description": .string(
            "Lists come in pages: pass `next_cursor` as `cursor` with the same filters until it is null. Times are "
                + "RFC 3339 in UTC, positions are places in the event log. A path answers other methods than "
                + "those listed with 405 and `Allow`. On the router's admin socket the same operations need no "
                + "token."),
    ])

    private static let server = JSONText.object([
        "url": .string("/"), "description": .string("The address of `router.listen`."),
    ])

    private static let bearer = JSONText.object([
        "type": .string("http"), "scheme": .string("bearer"),
        "description": .string(
            "One of `router.api_tokens`. Scopes: `read` looks at everything but secrets, `write` changes "
                + "subscriptions, `replay` sends again and drops what is kept for it."),
    ])

    /// In the order of first use.
    private static func tags(_ operations: [APIOperation]) -> [JSONText] {
        var names: [String] = []
        for operation in operations where !names.contains(operation.tag) { names.append(operation.tag) }
        return names.map { .object(["name": .string($0)]) }
    }

    private static func entry(_ operation: APIOperation) -> JSONText {
        var members: [(String, JSONText)] = [
            ("operationId", .string(operation.id)), ("tags", .array([.string(operation.tag)])),
            ("summary", .string(operation.summary)),
        ]
        if !operation.description.isEmpty { members.append(("description", .string(operation.description))) }
        let scopes = operation.scope.map { [JSONText.object(["bearer": .array([.string($0.rawValue)])])] }
        members.append(("security", .array(scopes ?? [])))
        if !operation.parameters.isEmpty {
            members.append(("parameters", .array(operation.parameters.map(parameter))))
        }
        if let body = operation.body {
            let content = operation.contentTypes.map { ($0, JSONText.object(["schema": body.json])) }
            members.append(("requestBody", .object(["required": .bool(true), "content": .object(content)])))
        }
        members.append(("responses", .object(responses(operation))))
        return .object(members)
    }

    private static func parameter(_ parameter: APIParameter) -> JSONText {
        .object([
            "name": .string(parameter.name), "in": .string(parameter.place.rawValue),
            "required": .bool(parameter.place == .path), "description": .string(parameter.description),
            "schema": parameter.schema.json,
        ])
    }

    private static func responses(_ operation: APIOperation) -> [(String, JSONText)] {
        let statuses = Set(operation.possibleProblems.map(\.status)).sorted()
        return ([operation.success] + operation.alternatives).map { (String($0.status), response($0)) }
            + statuses.map { status in
                (String(status), .object(["$ref": .string("#/components/responses/Problem\(status)")]))
            }
    }

    private static func response(_ result: APIResult) -> JSONText {
        var members: [(String, JSONText)] = [("description", .string(result.description))]
        if result.status == 201 || result.status == 202 {
            let location = JSONText.object([
                "description": .string("The path of what was made."), "schema": APISchema.string().json,
            ])
            members.append(("headers", .object(["Location": location])))
        }
        if let schema = result.schema {
            members.append(("content", .object([(result.contentType, .object(["schema": schema.json]))])))
        }
        return .object(members)
    }

    /// One for each status that any problem has.
    private static var problemResponses: [(String, JSONText)] {
        let statuses = Set(APIProblem.Code.allCases.map(\.status)).sorted()
        return statuses.map { status in
            let titles = APIProblem.Code.allCases.filter { $0.status == status }.map(\.title)
            let schema = JSONText.object(["schema": APISchema.ref("Problem").json])
            return (
                "Problem\(status)",
                .object([
                    "description": .string(titles.joined(separator: ". Or: ") + "."),
                    "content": .object(["application/problem+json": schema]),
                ])
            )
        }
    }
}

extension APIOperation {
    /// What the document files it under: the first word, behind /v1 where that begins it, or `router` for what is about the
    /// router itself.
    var tag: String {
        let word = path.split(separator: "/").first { $0 != "v1" }.map(String.init) ?? ""
        return ["openapi.json", "stats", "schemas"].contains(word) ? "router" : word
    }

    /// The problems that it can answer, its own and those that the dispatcher and the listener find.
    var possibleProblems: [APIProblem.Code] {
        problems + [.badRequest, .misdirected, .failed, .unavailable]
            + (scope == nil ? [] : [.unauthorized, .forbidden])
            + (body == nil ? [] : [.bodyTooLarge, .unsupportedMediaType, .invalid])
    }
}

extension APIProblem {
    /// The shape of `json`.
    static let schema = APISchema.object(
        [
            "type": .string("The code as a URI.", format: "uri"), "title": .string("The same for each occurrence."),
            "status": .integer("The HTTP status.", in: 400...599),
            "code": .string("A stable word.", oneOf: Code.allCases.map(\.rawValue)),
            "detail": .string("What is wrong, why, and how to put it right."),
            "errors": .array(
                of: .object(
                    [
                        "pointer": .string("A JSON Pointer into the body (RFC 6901)."), "detail": .string(),
                    ], required: ["pointer", "detail"]), "What is wrong with the body, place by place."),
        ], required: ["type", "title", "status", "code", "detail"], "Why nothing was done (RFC 9457).")
}
