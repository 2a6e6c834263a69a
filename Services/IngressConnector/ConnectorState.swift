import AdminServer
import StageMetrics
import Synchronization

/// How one connector is doing: for metrics and health, and a line of the log at each change.
final class ConnectorState: Sendable {
    let name: String
    let fetched: Counter
    let failures: Counter
    let gaps: Counter
    private let up: Gauge
    private let report: @Sendable (String) -> Void
    /// What holds it up; nil: it works. The outer nil: it has not begun.
    private let trouble = Mutex<String??>(nil)

    /// `report` gets sentences for the log.
    init(_ name: String, _ registry: MetricRegistry, report: @escaping @Sendable (String) -> Void) {
        self.name = name
        self.report = report
        let labels = [("connector", name)]
        fetched = registry.counter(
            "tributary_connector_webhooks_total", help: "Webhooks that a connector fetched and that are on disk.",
            labels: labels)
        failures = registry.counter(
            "tributary_connector_failures_total", help: "Requests and connections of a connector that failed.",
            labels: labels)
        gaps = registry.counter(
            "tributary_connector_gaps_total", help: "Times in which a connector may have missed something.",
            labels: labels)
        up = registry.gauge(
            "tributary_connector_up", help: "1 while a connector can fetch what there is.", labels: labels)
    }

    func works() { change(to: nil) }

    func fails(_ sentence: String) {
        failures.add()
        change(to: sentence)
    }

    /// It fetches nothing although it could.
    func pauses(_ sentence: String) { change(to: sentence) }

    private func change(to sentence: String?) {
        let isNew = trouble.withLock { trouble in
            defer { trouble = .some(sentence) }
            return trouble != .some(sentence)
        }
        guard isNew else { return }
        up.set(sentence == nil ? 1 : 0)
        report("connector \(name): \(sentence ?? "connected")")
    }

    /// Never makes the stage unready: what it has fetched travels on, and the other side's troubles are not its own.
    var check: HealthCheck {
        let trouble = trouble.withLock { $0 }
        return HealthCheck(name: "connector \(name)", ok: true, detail: trouble.map { $0 ?? "connected" } ?? "starting")
    }
}
