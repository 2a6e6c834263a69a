import JSON
import NIOPosix
import StageMetrics

/// Decides what an admin request gets; shared by all connections of one listener.
struct AdminDispatcher: Sendable {
    let registry: MetricRegistry
    let readiness: @Sendable () -> [HealthCheck]
    let routes: [AdminRoute]
    /// Where routes run.
    let pool: NIOThreadPool

    /// The largest body that any of the routes takes.
    var maxBodyBytes: Int { routes.map(\.maxBodyBytes).max() ?? 0 }

    /// What to do with a request.
    enum Decision: Sendable {
        case reply(AdminReply)
        case ask(AdminRoute)
    }

    /// Answers what every stage answers; for the stage's own routes, says which one to ask.
    func decide(_ request: AdminRequest) -> Decision {
        switch request.path {
        case "/healthz": readOnly(request, healthz)
        case "/readyz": readOnly(request, readyz)
        case "/metrics":
            readOnly(request) {
                AdminReply(
                    status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8",
                    body: Array(registry.render().utf8))
            }
        case "/metrics.json":
            readOnly(request) {
                let names = request.query["names"].map { Set($0.split(separator: ",").map(String.init)) }
                return .json(200, MetricDocument.text(registry.read(names)))
            }
        default: route(request)
        }
    }

    private func readOnly(_ request: AdminRequest, _ reply: () -> AdminReply) -> Decision {
        guard request.method == "GET" || request.method == "HEAD" else {
            return .reply(.error(405, "method_not_allowed", "\(request.path) answers GET only"))
        }
        return .reply(reply())
    }

    /// Whether every thread that must keep moving does; whoever started the stage ends it where one does not.
    private func healthz() -> AdminReply {
        let stalled = registry.stalledThreads()
        return stalled.isEmpty ? .text(200, "ok\n") : .text(503, "stalled: \(stalled.joined(separator: ", "))\n")
    }

    /// What the stage says of itself, and the threads that stand still.
    var checks: [HealthCheck] {
        let stalled = registry.stalledThreads()
        let threads = HealthCheck(name: "threads", ok: false, detail: stalled.joined(separator: ", "))
        return readiness() + (stalled.isEmpty ? [] : [threads])
    }

    private func readyz() -> AdminReply {
        let checks = checks
        let isReady = checks.allSatisfy(\.ok)
        let members = checks.map { check in
            (check.name, JSONText.object(["ok": .bool(check.ok), "detail": .string(check.detail)]))
        }
        return .json(
            isReady ? 200 : 503,
            .object(["status": .string(isReady ? "ready" : "not ready"), "checks": .object(members)]))
    }

    private func route(_ request: AdminRequest) -> Decision {
        let covering = routes.filter { $0.covers(request.path) }
        let longest = covering.map(\.pathPrefix.utf8.count).max() ?? 0
        let candidates = covering.filter { $0.pathPrefix.utf8.count == longest }
        if let route = candidates.first(where: { $0.method == nil || $0.method == request.method }) {
            return .ask(route)
        }
        if candidates.isEmpty {
            return .reply(.error(404, "not_found", "nothing is served at \(request.path)"))
        }
        let methods = candidates.compactMap(\.method).joined(separator: ", ")
        return .reply(.error(405, "method_not_allowed", "\(request.path) answers \(methods) only"))
    }
}
