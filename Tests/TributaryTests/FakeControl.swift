import AdminServer
import Synchronization

/// The control API of a router: keeps what it was asked and answers what it was told.
final class FakeControl: Sendable {
    /// A request in the order in which it came.
    struct Asked: Equatable {
        /// Method and target, such as `GET /v1/stats`.
        let line: String
        let body: String
    }

    private struct State {
        var asked: [Asked] = []
        var answers: [String: [(status: Int, body: String)]] = [:]
    }

    private let state = Mutex(State())

    var asked: [Asked] { state.withLock { $0.asked } }
    var lines: [String] { asked.map(\.line) }

    /// Answers a method and path with these bodies one after the other, and then with the last of them.
    func answer(_ name: String, _ bodies: String..., status: Int = 200) {
        state.withLock { $0.answers[name] = bodies.map { (status, $0) } }
    }

    /// Answers a method and path with a problem.
    func refuse(_ name: String, _ status: Int, _ code: String, _ detail: String, errors: String = "[]") {
        let problem = """
            {"type":"https://tributary.dev/problems/\(code)","title":"T","status":\(status),"code":"\(code)",\
            "detail":"\(detail)","errors":\(errors)}
            """
        answer(name, problem, status: status)
    }

    func answer(_ request: AdminRequest) -> AdminReply {
        state.withLock { state in
            let line = "\(request.method) \(request.target)"
            state.asked.append(Asked(line: line, body: String(decoding: request.body, as: UTF8.self)))
            let name = "\(request.method) \(request.path)"
            guard let answers = state.answers[name], let answer = answers.first else {
                return .error(404, "not_found", "no answer to \(name) was prepared")
            }
            if answers.count > 1 { state.answers[name]?.removeFirst() }
            let isProblem = answer.status >= 400
            return AdminReply(
                status: answer.status, contentType: isProblem ? "application/problem+json" : "application/json",
                body: Array(answer.body.utf8))
        }
    }
}
