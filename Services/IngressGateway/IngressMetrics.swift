import StageMetrics
import Synchronization

/// The instruments of the ingress, made once. What is read on demand comes from `JournalState`.
struct IngressMetrics: Sendable {
    let recordsIn: Counter
    let batchesIn: Counter
    let accepted: Counter
    let rejected: Counter
    let probes: Counter
    let handshakes: Counter
    let fsync: LatencyHistogram
    let acknowledgement: LatencyHistogram
    let processing: LatencyHistogram
    let connections: Gauge
    private let requests: [Int: Counter]
    private let otherRequests: Counter

    private static let statuses = [200, 202, 204, 400, 401, 403, 404, 405, 408, 413, 414, 417, 429, 431, 501, 503]

    init(_ registry: MetricRegistry, state: JournalState) {
        func records(_ direction: String) -> Counter {
            registry.counter(
                "tributary_records_total", help: "Webhooks taken in and passed on.", labels: [("direction", direction)])
        }
        func batches(_ direction: String) -> Counter {
            registry.counter(
                "tributary_batches_total", help: "Batches taken in and passed on.", labels: [("direction", direction)])
        }
        func outcome(_ outcome: String) -> Counter {
            registry.counter(
                "tributary_outcomes_total", help: "Requests by what became of them.", labels: [("outcome", outcome)])
        }
        func status(_ status: String) -> Counter {
            registry.counter(
                "tributary_http_requests_total", help: "Requests by the status of the answer.",
                labels: [("status", status)])
        }
        recordsIn = records("in")
        batchesIn = batches("in")
        accepted = outcome("accepted")
        rejected = outcome("rejected")
        probes = outcome("probe")
        handshakes = outcome("handshake")
        fsync = registry.histogram("tributary_journal_fsync_seconds", help: "Commits of the journal, fsync included.")
        acknowledgement = registry.histogram(
            "tributary_acknowledgement_seconds", help: "From the last byte of a webhook to its answer.")
        processing = registry.histogram(
            "tributary_processing_seconds", help: "Time the journal's thread needs for a turn.")
        connections = registry.gauge("tributary_http_connections", help: "Open connections.")
        requests = Dictionary(uniqueKeysWithValues: Self.statuses.map { ($0, status(String($0))) })
        otherRequests = status("other")
        registry.gauge("tributary_journal_bytes", help: "Bytes of the webhooks in the journal.") {
            Double(state.retainedBytes.load(ordering: .relaxed))
        }
        registry.gauge("tributary_backlog_records", help: "Webhooks that are not settled.") {
            Double(state.backlog)
        }
        registry.gauge("tributary_oldest_unsettled_seconds", help: "Age of the oldest webhook that is not settled.") {
            state.oldestUnsettledSeconds(now: wallNanoseconds())
        }
    }

    /// Counts an answer.
    func count(_ answer: Answer) {
        let status = answer.status
        (requests[status] ?? otherRequests).add()
        switch answer {
        case .probe: probes.add()
        case .handshake: handshakes.add()
        case .judged where status == 200: handshakes.add()
        case _ where status == 202: accepted.add()
        case .accepted, .judged, .refused: rejected.add()
        }
    }
}
