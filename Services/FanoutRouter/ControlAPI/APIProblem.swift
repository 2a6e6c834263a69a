import EventDelivery
import JSON

/// Why an operation did not do what was asked, as `application/problem+json` (RFC 9457).
struct APIProblem: Error, Sendable {
    /// The stable word in `code`; its `type` is `https://tributary.dev/problems/<code>`.
    enum Code: String, Sendable, CaseIterable {
        case badRequest = "bad_request"
        case unauthorized
        case forbidden
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        /// The thing is in a state that does not allow it.
        case conflict
        case bodyTooLarge = "body_too_large"
        case unsupportedMediaType = "unsupported_media_type"
        /// The body is JSON, but not what the operation takes; `errors` says where.
        case invalid
        /// A bound is reached, such as the number of subscriptions.
        case limitReached = "limit_reached"
        /// `Host` names another machine than the one that listens on loopback.
        case misdirected
        case failed
        /// The event log cannot answer now.
        case unavailable

        var status: Int { row.status }
        /// The `title`: the same for every occurrence.
        var title: String { row.title }

        private var row: (status: Int, title: String) {
            switch self {
            case .badRequest: (400, "The request cannot be read")
            case .unauthorized: (401, "A valid bearer token is needed")
            case .forbidden: (403, "The token lacks the scope")
            case .notFound: (404, "There is no such thing")
            case .methodNotAllowed: (405, "The path does not answer this method")
            case .conflict: (409, "The present state does not allow it")
            case .limitReached: (409, "A limit is reached")
            case .bodyTooLarge: (413, "The body is too large")
            case .unsupportedMediaType: (415, "The body must be application/json")
            case .misdirected: (421, "The Host is not this one")
            case .invalid: (422, "The body is not what the operation takes")
            case .failed: (500, "The router failed")
            case .unavailable: (503, "The event log cannot answer now")
            }
        }
    }

    /// One thing that is wrong with a body.
    struct Detail: Sendable, Equatable {
        /// A JSON Pointer into the body, such as `/filter/types`.
        let pointer: String
        let detail: String
    }

    let code: Code
    /// What is wrong, why, and how to put it right.
    let detail: String
    let errors: [Detail]
    /// Further header fields, such as `allow`.
    let fields: [(name: String, value: String)]

    init(_ code: Code, _ detail: String, errors: [Detail] = [], fields: [(name: String, value: String)] = []) {
        self.code = code
        self.detail = detail
        self.errors = errors
        self.fields = fields
    }

    /// What the router refuses has the same code here.
    init(_ error: RouterError) {
        self.init(
            Code(rawValue: error.code.word) ?? .failed, error.sentence,
            errors: error.faults.map { Detail(pointer: $0.pointer, detail: $0.sentence) })
    }

    /// The body of the answer.
    var json: JSONText {
        var members: [(String, JSONText)] = [
            ("type", .string("https://tributary.dev/problems/\(code.rawValue)")), ("title", .string(code.title)),
            ("status", .number(code.status)), ("code", .string(code.rawValue)), ("detail", .string(detail)),
        ]
        if !errors.isEmpty {
            members.append(
                (
                    "errors",
                    .array(
                        errors.map {
                            .object(["pointer": .string($0.pointer), "detail": .string($0.detail)])
                        })
                ))
        }
        return .object(members)
    }
}
