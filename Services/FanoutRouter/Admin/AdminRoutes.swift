import EventLog
import Events
import StageMetrics
import StageRuntime

/// What operators ask the router on its admin socket. Runs on threads of the admin endpoint; may block.
struct AdminRoutes: Sendable {
    /// Most elements of one answer.
    static let limit = 1000

    let stage: RouterStage

    init(_ stage: RouterStage) {
        self.stage = stage
    }

    var all: [AdminRoute] {
        [
            AdminRoute(method: "GET", pathPrefix: "/events") { request in answer { try events(request) } },
            AdminRoute(method: "GET", pathPrefix: "/dead-letters") { request in answer { try deadLetters(request) } },
            AdminRoute(method: "POST", pathPrefix: "/dead-letters/replay") { request in
                answer { try replayDeadLetters(request) }
            },
            AdminRoute(method: "GET", pathPrefix: "/quarantine") { request in answer { try quarantine(request) } },
            AdminRoute(method: "POST", pathPrefix: "/quarantine") { request in
                answer { try markQuarantined(request) }
            },
            AdminRoute(method: "DELETE", pathPrefix: "/quarantine") { request in
                answer { try purgeQuarantine(request) }
            },
            AdminRoute(method: "GET", pathPrefix: "/subscriptions") { _ in answer { try subscriptions() } },
            AdminRoute(method: "POST", pathPrefix: "/subscriptions") { request in
                answer { try enableSubscription(request) }
            },
        ]
    }

    /// Turns what a route could not do into an answer.
    private func answer(_ body: () throws -> AdminReply) -> AdminReply {
        do {
            return try body()
        } catch let error as EventLogError {
            return .error(503, error.code.rawValue, error.sentence)
        } catch let error as BadParameter {
            return .error(400, "bad_request", error.sentence)
        } catch {
            return .error(500, "failed", "the router could not answer: \(error)")
        }
    }

    /// The parts of a path behind its first.
    static func tail(_ request: AdminRequest) -> [String] {
        Array(request.path.split(separator: "/").dropFirst().map(String.init))
    }

    static func limit(_ request: AdminRequest) -> Int {
        min(max(1, request.query["limit"].flatMap { Int($0) } ?? 100), limit)
    }

    static func time(_ nanoseconds: Int64) -> JSONText {
        .string(CloudEventsTime.text(nanoseconds: nanoseconds))
    }
}
