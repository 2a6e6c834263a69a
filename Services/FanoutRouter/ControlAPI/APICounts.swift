import StageMetrics
import Synchronization

/// Counts answers by operation and status; both are from fixed sets, so that clients cannot make series.
final class APICounts: Sendable {
    private struct Key: Hashable {
        let operation: String
        let status: Int
    }

    private let registry: MetricRegistry
    private let counters = Mutex<[Key: Counter]>([:])

    init(_ registry: MetricRegistry) {
        self.registry = registry
    }

    /// `operation` is an `operationId`, or `none` where the request meant none.
    func count(_ operation: String, _ status: Int) {
        let counter = counters.withLock { counters in
            let key = Key(operation: operation, status: status)
            if let counter = counters[key] { return counter }
            let counter = registry.counter(
                "tributary_api_requests_total", help: "Answers of the control API.",
                labels: [("operation", operation), ("status", String(status))])
            counters[key] = counter
            return counter
        }
        counter.add()
    }
}
