import StageMetrics

/// The instruments of one lane, made once.
struct LaneMetrics: Sendable {
    let delivered: Counter
    let dead: Counter
    let expired: Counter
    let backlog: Gauge
    let receiptToDelivery: LatencyHistogram
    private let attempts: [String: Counter]
    private let delivery: LatencyHistogram

    init(_ registry: MetricRegistry, subscription: String) {
        let label = ("subscription", subscription)
        func deliveries(_ outcome: String) -> Counter {
            registry.counter(
                "tributary_deliveries_total", help: "Deliveries that came to an end.",
                labels: [label, ("outcome", outcome)])
        }
        delivered = deliveries("delivered")
        dead = deliveries("dead")
        expired = deliveries("expired")
        var attempts: [String: Counter] = [:]
        for word in AttemptOutcome.words {
            attempts[word] = registry.counter(
                "tributary_attempts_total", help: "Requests made to subscribers.", labels: [label, ("outcome", word)])
        }
        self.attempts = attempts
        backlog = registry.gauge(
            "tributary_lane_backlog_events", help: "Events that a subscription has not finished.", labels: [label])
        delivery = registry.histogram("tributary_delivery_seconds", help: "Time from the request to its outcome.")
        receiptToDelivery = registry.histogram(
            "tributary_receipt_to_delivery_seconds", help: "Time from the receipt of a webhook to its delivery.",
            labels: [label])
    }

    func count(_ outcome: AttemptOutcome, durationNanoseconds: Int64) {
        attempts[outcome.word]?.add(1)
        delivery.record(nanoseconds: durationNanoseconds)
    }
}
