import JSON

/// One operation of the control API, declared once: the dispatcher serves it, the OpenAPI document describes it.
struct APIOperation: Sendable {
    enum Method: String, Sendable, CaseIterable {
        case get = "GET"
        case post = "POST"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    /// The `operationId` of the document, in lower camel case.
    let id: String
    let method: Method
    /// A template such as `/v1/events/{event}`; a parameter is one whole segment.
    let path: String
    /// Nil: open to everybody who reaches the listener.
    let scope: APIScope?
    /// A sentence; `description` may add more.
    let summary: String
    let description: String
    let parameters: [APIParameter]
    /// What the body must be; nil: there is none.
    let body: APISchema?
    /// What success looks like.
    let success: APIResult
    /// Other ways in which it may go well, each with a status of its own.
    let alternatives: [APIResult]
    /// The problem codes that it may answer besides those that every operation may.
    let problems: [APIProblem.Code]
    /// How it is answered where it is more than a request and its reply; nil: by `respond` alone.
    let push: PushAnswer?
    /// Runs on a thread that may block. Throws `APIProblem`, `RouterError`, or any other error, which becomes a 500.
    let respond: @Sendable (APIRequest) throws -> APIReply

    /// Whether it is served at the end of longer paths too.
    var takesPrefix: Bool { if case .webSocket(let endpoint) = push { endpoint.takesPrefix } else { false } }

    init(
        _ id: String, _ method: Method, _ path: String, scope: APIScope?, summary: String, description: String = "",
        parameters: [APIParameter] = [], body: APISchema? = nil, success: APIResult,
        alternatives: [APIResult] = [], problems: [APIProblem.Code] = [], push: PushAnswer? = nil,
        respond: @escaping @Sendable (APIRequest) throws -> APIReply
    ) {
        self.id = id
        self.method = method
        self.path = path
        self.scope = scope
        self.summary = summary
        self.description = description
        self.parameters = parameters
        self.body = body
        self.success = success
        self.alternatives = alternatives
        self.problems = problems
        self.push = push
        self.respond = respond
    }
}

/// What a token may do.
enum APIScope: String, Sendable, CaseIterable {
    /// Look at everything but secrets.
    case read
    /// Change subscriptions.
    case write
    /// Send again, and drop what is kept for it; so it sees refused webhooks whole.
    case replay
}

/// A parameter in the path or the query.
struct APIParameter: Sendable {
    enum Place: String, Sendable {
        case path
        case query
    }

    let name: String
    let place: Place
    /// What the text must be: the dispatcher checks it before the operation runs.
    let schema: APISchema
    let description: String

    /// In the path, and so always there.
    static func path(_ name: String, _ schema: APISchema, _ description: String) -> APIParameter {
        APIParameter(name: name, place: .path, schema: schema, description: description)
    }

    /// In the query, and so optional.
    static func query(_ name: String, _ schema: APISchema, _ description: String) -> APIParameter {
        APIParameter(name: name, place: .query, schema: schema, description: description)
    }
}

/// The answer of an operation that went well.
struct APIResult: Sendable {
    let status: Int
    let description: String
    /// Nil: no body.
    let schema: APISchema?
    let contentType: String

    init(_ status: Int, _ description: String, _ schema: APISchema?, contentType: String = "application/json") {
        self.contentType = contentType
        self.status = status
        self.description = description
        self.schema = schema
    }
}

/// A request whose parameters and body were found to be as declared.
struct APIRequest: Sendable {
    /// Percent-decoded, path and query together; only declared ones, each once.
    var parameters: [String: String] = [:]
    /// The body; `.null` where the operation takes none.
    var body = JSONValue.null
    /// What whoever asks may do; it decides what is masked.
    var scopes: Set<APIScope> = []

    subscript(_ name: String) -> String? { parameters[name] }
}

/// A successful answer.
struct APIReply: Sendable {
    let status: Int
    /// Nil: no body.
    let body: JSONText?
    /// Further header fields, such as `location`.
    let fields: [(name: String, value: String)]

    init(_ status: Int, _ body: JSONText?, fields: [(name: String, value: String)] = []) {
        self.status = status
        self.body = body
        self.fields = fields
    }

    /// A page of a list, with `members` behind it; `next`: where the list goes on, nil at its end.
    static func page(
        _ name: String, _ elements: [JSONText], of list: String, next: [JSONText]?, _ members: (String, JSONText)...
    ) -> APIReply {
        let page = [(name, .array(elements)), ("next_cursor", APICursor.json(list, next))] + members
        return APIReply(200, .object(page))
    }
}
