import JSON
import Primitives

/// A request whose operation is known; nothing else of it is checked yet.
struct APICall: Sendable {
    let operation: APIOperation
    /// Percent-decoded, by the names of the template.
    let segments: [String: String]
    /// As sent, without the question mark.
    let query: Substring
    /// What whoever asks may do, where the listener has found that out.
    var scopes: Set<APIScope> = []
}

/// Finds the operation for a method and a target.
struct APIRoutes: Sendable {
    private struct Template: Sendable {
        let segments: [Segment]
        let takesPrefix: Bool
        var operations: [APIOperation]
    }

    private enum Segment: Sendable, Equatable {
        case word(String)
        case parameter(String)
    }

    /// Those with more words first, because a word beats a parameter.
    private let templates: [Template]

    /// Two operations with the same method and path are a programmer's mistake and trap.
    init(_ operations: [APIOperation]) {
        var templates: [Template] = []
        for operation in operations {
            let segments = Self.segments(operation.path)
            let place = templates.firstIndex { $0.segments == segments } ?? templates.endIndex
            if place == templates.endIndex {
                templates.append(Template(segments: segments, takesPrefix: operation.takesPrefix, operations: []))
            }
            precondition(
                !templates[place].operations.contains { $0.method == operation.method },
                "\(operation.method.rawValue) \(operation.path) is declared twice")
            templates[place].operations.append(operation)
        }
        self.templates = templates.sorted { Self.words($0) > Self.words($1) }
    }

    func call(_ method: String, _ target: String) throws(APIProblem) -> APICall {
        guard target.hasPrefix("/") else { throw APIProblem(.badRequest, "the request target is not a path") }
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var segments: [String] = []
        for part in parts[0].split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            guard let segment = PercentCoding.decode(part, plusIsSpace: false) else {
                throw APIProblem(.badRequest, "the path has a broken percent escape or is not UTF-8")
            }
            segments.append(segment)
        }
        for template in templates {
            let path = template.takesPrefix ? segments.suffix(template.segments.count) : segments[...]
            guard let parameters = Self.match(template.segments, path) else { continue }
            // HEAD is GET without the body (RFC 9110, section 9.3.2).
            let wanted = method == "HEAD" ? "GET" : method
            guard let operation = template.operations.first(where: { $0.method.rawValue == wanted }) else {
                let methods = template.operations.map(\.method.rawValue)
                let allow = (methods + (methods.contains("GET") ? ["HEAD"] : [])).joined(separator: ", ")
                throw APIProblem(
                    .methodNotAllowed, "\(template.operations[0].path) answers \(allow) only",
                    fields: [("allow", allow)])
            }
            return APICall(operation: operation, segments: parameters, query: parts.count == 2 ? parts[1] : "")
        }
        throw APIProblem(.notFound, "nothing is served at this path; /v1/openapi.json lists what is")
    }

    private static func segments(_ template: String) -> [Segment] {
        template.split(separator: "/").map { part in
            part.hasPrefix("{") ? .parameter(String(part.dropFirst().dropLast())) : .word(String(part))
        }
    }

    private static func words(_ template: Template) -> Int {
        template.segments.count { if case .word = $0 { true } else { false } }
    }

    /// The parameters' values; nil where the path is another.
    private static func match(_ template: [Segment], _ path: ArraySlice<String>) -> [String: String]? {
        guard template.count == path.count else { return nil }
        var parameters: [String: String] = [:]
        for (segment, text) in zip(template, path) {
            switch segment {
            case .word(let word): guard word == text else { return nil }
            case .parameter(let name):
                guard !text.isEmpty else { return nil }
                parameters[name] = text
            }
        }
        return parameters
    }
}

extension PercentCoding {
    /// The pairs of a query, in the order sent.
    static func query(_ text: Substring) throws(APIProblem) -> [(String, String)] {
        var pairs: [(String, String)] = []
        for pair in text.split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decode(sides[0], plusIsSpace: true),
                let value = decode(sides.count == 2 ? sides[1] : "", plusIsSpace: true)
            else { throw APIProblem(.badRequest, "the query has a broken percent escape or is not UTF-8") }
            pairs.append((name, value))
        }
        return pairs
    }
}
