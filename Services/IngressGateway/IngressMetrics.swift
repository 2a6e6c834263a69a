import Providers
import StageMetrics
import Synchronization
import WebhookIntake

/// The instruments of the ingress beside those of its journal, made once.
final class IngressMetrics: Sendable {
    let accepted: Counter
    let rejected: Counter
    let probes: Counter
    let handshakes: Counter
    let acknowledgement: LatencyHistogram
    let connections: Gauge
    private let refusals: RefusalCounters
    private let requests: [Int: Counter]
    private let otherRequests: Counter
    private let acceptedRequests: Counter

    private static let statuses = [200, 201, 202, 204, 400, 401, 403, 404, 405, 408, 413, 414, 417, 429, 431, 501, 503]

    init(_ registry: MetricRegistry, _ partitions: [Partition] = []) {
        func outcome(_ outcome: String) -> Counter {
            registry.counter(
                "tributary_outcomes_total", help: "Requests by what became of them.", labels: [("outcome", outcome)])
        }
        func status(_ status: String) -> Counter {
            registry.counter(
                "tributary_http_requests_total", help: "Requests by the status of the answer.",
                labels: [("status", status)])
        }
        accepted = outcome("accepted")
        rejected = outcome("rejected")
        probes = outcome("probe")
        handshakes = outcome("handshake")
        acknowledgement = registry.histogram(
            "tributary_acknowledgement_seconds", help: "From the last byte of a webhook to its answer.")
        connections = registry.gauge("tributary_http_connections", help: "Open connections.")
        refusals = RefusalCounters(registry)
        let requests = Dictionary(uniqueKeysWithValues: Self.statuses.map { ($0, status(String($0))) })
        self.requests = requests
        acceptedRequests = requests[202] ?? status("202")
        otherRequests = status("other")
        registry.gauge("tributary_unjudged_records", help: "Webhooks on disk that wait for the verifier's verdict.") {
            Double(partitions.reduce(0) { $0 + $1.quotas.book.withLock { $0.unjudgedCount } })
        }
    }

    /// Counts an answer. `success`: what a source's provider gets in place of 202; `source`: nil where there is none.
    func count(_ answer: Answer, _ success: SuccessAnswer?, source: String?) {
        var status = answer.status
        if case .accepted = answer {
            guard let success else {
                accepted.add()
                return acceptedRequests.add()
            }
            status = success.status
        }
        (requests[status] ?? otherRequests).add()
        switch answer {
        case .probe: probes.add()
        case .handshake: handshakes.add()
        case .judged where status == 200: handshakes.add()
        case .accepted: accepted.add()
        case .judged where status == 202: accepted.add()
        case .judged: rejected.add()
        case .refused(let refusal):
            rejected.add()
            refusals.count(source: source ?? "", reason: refusal.code)
        }
    }
}

/// Requests that the ingress itself refused, by source and reason. Both come from short lists, and a counter is made when
/// its reason first occurs.
private final class RefusalCounters: Sendable {
    private struct Key: Hashable {
        var source: String
        var reason: String
    }

    private let registry: MetricRegistry
    private let counters = Mutex<[Key: Counter]>([:])

    init(_ registry: MetricRegistry) {
        self.registry = registry
    }

    func count(source: String, reason: String) {
        let key = Key(source: source, reason: reason)
        let counter = counters.withLock { counters in
            if let counter = counters[key] { return counter }
            let counter = registry.counter(
                "tributary_refused_total",
                help:
                    "Requests that the ingress refused before they were journaled, by source (empty: none) and reason.",
                labels: [("source", source), ("reason", reason)])
            counters[key] = counter
            return counter
        }
        counter.add()
    }
}
