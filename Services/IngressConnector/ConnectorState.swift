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
    /// What holds each of its receivers up; nil: nothing does. One that has not asked yet is not there.
    private let receivers = Mutex<[Int: String?]>([:])

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
        up.set(0)
    }

    func works(_ receiver: Int = 0) { change(receiver, to: nil) }

    func fails(_ sentence: String, _ receiver: Int = 0) {
        failures.add()
        change(receiver, to: sentence)
    }

    /// It fetches nothing although it could.
    func pauses(_ sentence: String, _ receiver: Int = 0) { change(receiver, to: sentence) }

    private func change(_ receiver: Int, to sentence: String?) {
        let (before, after) = receivers.withLock { receivers in
            let before = Self.trouble(receivers)
            receivers[receiver] = .some(sentence)
            return (before, Self.trouble(receivers))
        }
        guard after != before else { return }
        up.set(after == .some(nil) ? 1 : 0)
        report("connector \(name): \(after.flatMap(\.self) ?? "connected")")
    }

    /// That of the first receiver that has one; the inner nil: none has. Nil: none has asked yet.
    private static func trouble(_ receivers: [Int: String?]) -> String?? {
        guard !receivers.isEmpty else { return nil }
        let troubled = receivers.filter { $0.value != nil }.min { $0.key < $1.key }
        return .some(troubled?.value)
    }

    /// Never makes the stage unready: what it has fetched travels on, and the other side's troubles are not its own.
    var check: HealthCheck {
        let trouble = receivers.withLock { Self.trouble($0) }
        return HealthCheck(name: "connector \(name)", ok: true, detail: trouble.map { $0 ?? "connected" } ?? "starting")
    }
}
