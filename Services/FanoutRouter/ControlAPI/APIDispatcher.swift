import EventDelivery
import EventLog
import HTTPFront
import JSON
import Logging
import NIOCore
import Primitives
import StageMetrics

/// Answers requests to the control API, for whichever listener took them. Safe on any thread; `answer` may block.
package struct APIDispatcher: Sendable {
    /// The largest body that any operation takes.
    static let maxBodyBytes = 1 << 20

    private let routes: APIRoutes
    private let schemas: SchemaCheck
    private let counts: APICounts
    private let logger: Logger

    init(operations: [APIOperation], schemas: [(String, APISchema)], registry: MetricRegistry, logger: Logger) {
        routes = APIRoutes(operations)
        self.schemas = SchemaCheck(schemas)
        counts = APICounts(registry)
        self.logger = logger
    }

    /// The operation that a request means: what a listener must know before it takes the body. `target` is the path
    /// with its query, as the client sent it.
    func call(_ method: String, _ target: String) throws(APIProblem) -> APICall {
        try routes.call(method, target)
    }

    /// Carries out a call and says what came of it.
    func answer(_ call: APICall, contentType: String?, body: [UInt8]) -> APIAnswer {
        do {
            let request = APIRequest(
                parameters: try parameters(of: call),
                body: try Self.value(contentType, body, for: call.operation, schemas), scopes: call.scopes)
            return answer(try call.operation.respond(request), call)
        } catch let problem as APIProblem {
            return refuse(problem, call)
        } catch let error as RouterError {
            return refuse(APIProblem(error), call)
        } catch let error as EventLogError {
            logger.error(
                "the event log did not answer", metadata: ["operation": "\(call.operation.id)", "cause": "\(error)"])
            return refuse(APIProblem(.unavailable, "the event log cannot answer now; the router's log says why"), call)
        } catch {
            logger.error("an operation failed", metadata: ["operation": "\(call.operation.id)", "cause": "\(error)"])
            return refuse(APIProblem(.failed, "the router failed; its log says why"), call)
        }
    }

    private func answer(_ reply: APIReply, _ call: APICall) -> APIAnswer {
        counts.count(call.operation.id, reply.status)
        return APIAnswer(reply)
    }

    /// The answer to a request for the next events, when there are some; nil for every other request. It comes on the
    /// push loop.
    func poll(_ call: APICall) throws(APIProblem) -> EventLoopFuture<APIAnswer>? {
        guard case .poll(let poll) = call.operation.push, let poll = try poll(call) else { return nil }
        return poll.answer().map { answer($0, call) }.flatMapErrorThrowing { error in
            refuse(error as? APIProblem ?? APIProblem(.failed, "\(error)"), call)
        }
    }

    /// The same for a request that was taken whole and needs nobody's leave.
    func answer(_ method: String, _ target: String, contentType: String?, body: [UInt8]) -> APIAnswer {
        do throws(APIProblem) {
            var call = try call(method, target)
            call.scopes = Set(APIScope.allCases)
            if let later = try poll(call) {
                do {
                    return try later.wait()
                } catch {
                    return refuse(APIProblem(.failed, "\(error)"), call)
                }
            }
            return answer(call, contentType: contentType, body: body)
        } catch {
            return refuse(error, nil)
        }
    }

    /// The answer to a request that is not carried out, counted. `call` is nil where it is not known what it means.
    func refuse(_ problem: APIProblem, _ call: APICall?) -> APIAnswer {
        counts.count(call?.operation.id ?? "none", problem.code.status)
        return APIAnswer(problem)
    }

    /// The same for what is no request at all: a problem like every other, with the code that all listeners use.
    func refuse(_ refusal: HeadRefusal) -> (contentType: String, bytes: [UInt8]) {
        counts.count("none", refusal.status)
        let problem = JSONText.object([
            "type": .string("https://tributary.dev/problems/\(refusal.code)"),
            "title": .string(refusal.status == 503 ? "The listener is full" : "The request cannot be read"),
            "status": .number(refusal.status), "code": .string(refusal.code), "detail": .string(refusal.sentence),
        ])
        return ("application/problem+json", problem.bytes)
    }

    // MARK: Reading

    private func parameters(of call: APICall) throws(APIProblem) -> [String: String] {
        var texts = call.segments
        for (name, value) in try PercentCoding.query(call.query) {
            guard call.operation.parameters.contains(where: { $0.place == .query && $0.name == name }) else {
                let known = call.operation.parameters.filter { $0.place == .query }.map(\.name)
                throw APIProblem(
                    .badRequest,
                    known.isEmpty
                        ? "\(call.operation.path) takes no query, so \(name) means nothing"
                        : "the query parameter \(name) means nothing here; known are \(known.joined(separator: ", "))")
            }
            guard texts.updateValue(value, forKey: name) == nil else {
                throw APIProblem(.badRequest, "the query parameter \(name) comes twice")
            }
        }
        for parameter in call.operation.parameters {
            guard let text = texts[parameter.name] else { continue }
            if let fault = schemas.fault(of: text, parameter.schema) {
                throw APIProblem(.badRequest, "the parameter \(parameter.name) \(fault)")
            }
        }
        return texts
    }

    private static func value(
        _ contentType: String?, _ body: [UInt8], for operation: APIOperation, _ schemas: SchemaCheck
    ) throws(APIProblem) -> JSONValue {
        guard let schema = operation.body else {
            guard body.isEmpty else { throw APIProblem(.badRequest, "\(operation.id) takes no body") }
            return .null
        }
        guard body.count <= maxBodyBytes else { throw .bodyTooLarge }
        let type = contentType?.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
        guard let type, operation.contentTypes.contains(type) else {
            throw APIProblem(
                .unsupportedMediaType, "the body must have the content type \(operation.contentTypes[0])",
                fields: operation.method == .patch
                    ? [("accept-patch", operation.contentTypes.joined(separator: ", "))] : [])
        }
        guard let value = JSONValue.read(body) else {
            throw APIProblem(.badRequest, "the body is not JSON, or goes deeper than 128 levels")
        }
        let errors = schemas.errors(in: value, schema)
        guard errors.isEmpty else {
            let first = errors[0]
            throw APIProblem(
                .invalid, "\(first.pointer.isEmpty ? "the body" : first.pointer) \(first.detail)", errors: errors)
        }
        return value
    }
}

extension APIProblem {
    static let bodyTooLarge = APIProblem(.bodyTooLarge, "a body may have \(APIDispatcher.maxBodyBytes) bytes at most")
}

extension APIOperation {
    /// What its body may be called; the first is what we recommend.
    var contentTypes: [String] {
        method == .patch ? ["application/merge-patch+json", "application/json"] : ["application/json"]
    }
}

/// What a listener sends back.
struct APIAnswer: Sendable {
    let status: Int
    /// Names in lower case; with the content type, without the content length.
    let fields: [(name: String, value: String)]
    /// Empty where there is none.
    let body: [UInt8]

    /// What every answer says: it is about now, and it is what it says it is.
    private static let always = [(name: "cache-control", value: "no-store"), ("x-content-type-options", "nosniff")]

    init(_ reply: APIReply) {
        status = reply.status
        body = reply.body?.bytes ?? []
        let type = reply.body == nil ? [] : [(name: "content-type", value: "application/json")]
        fields = type + Self.always + reply.fields
    }

    init(_ problem: APIProblem) {
        status = problem.code.status
        body = problem.json.bytes
        fields = [(name: "content-type", value: "application/problem+json")] + Self.always + problem.fields
    }
}
