import StageMetrics

/// The instruments of one lane, made once.
final class LaneMetrics: Sendable {
    let delivered: Counter
    let dead: Counter
    let expired: Counter
    let backlog: Gauge
    /// The age of its oldest event that is neither delivered nor given up, in seconds.
    let oldest: Gauge
    let receiptToDelivery: LatencyHistogram
    private let attempts: [String: Counter]
    private let deliveredAttempts: Counter
    private let attemptCounter: @Sendable (_ outcome: String) -> Counter
    private let delivery: LatencyHistogram
    private let states: [(word: String, gauge: Gauge)]
    private let breakers: [(word: String, gauge: Gauge)]
    private let retrying: Gauge
    private let inFlight: Gauge
    private let deadLetters: Gauge

    /// `outcomes`: what its attempts may come to; these are shown from the beginning.
    init(_ registry: MetricRegistry, subscription: String, outcomes: [AttemptEnd]) {
        let label = ("subscription", subscription)
        func deliveries(_ outcome: String) -> Counter {
            registry.counter(
                "tributary_deliveries_total", help: "Deliveries that came to an end.",
                labels: [label, ("outcome", outcome)])
        }
        delivered = deliveries("delivered")
        dead = deliveries("dead")
        expired = deliveries("expired")
        let counter = { @Sendable outcome in
            registry.counter(
                "tributary_attempts_total", help: "Requests made to subscribers.",
                labels: [label, ("outcome", outcome)])
        }
        attemptCounter = counter
        deliveredAttempts = counter(AttemptEnd.delivered.word)
        attempts = Dictionary(uniqueKeysWithValues: outcomes.map { ($0.word, counter($0.word)) })
        backlog = registry.gauge(
            "tributary_lane_backlog_events", help: "Events that a subscription has not finished.", labels: [label])
        delivery = registry.histogram(
            "tributary_delivery_seconds", help: "Time from a request to its outcome.", labels: [label])
        receiptToDelivery = registry.histogram(
            "tributary_receipt_to_delivery_seconds",
            help: "Time from the receipt of a webhook to its delivery; replays are not counted.", labels: [label])
        func words(_ name: String, _ help: String, _ words: [String]) -> [(word: String, gauge: Gauge)] {
            words.map { ($0, registry.gauge(name, help: help, labels: [label, ("state", $0)])) }
        }
        func gauge(_ name: String, _ help: String) -> Gauge { registry.gauge(name, help: help, labels: [label]) }
        states = words(
            "tributary_subscription_state", "1 for the state that a subscription is in, 0 for the others.",
            LaneState.words)
        breakers = words(
            "tributary_subscription_breaker", "1 for the state that its circuit breaker is in, 0 for the others.",
            CircuitBreaker.State.words)
        retrying = gauge(
            "tributary_subscription_retrying_deliveries", "Deliveries that wait for their next attempt.")
        inFlight = gauge("tributary_subscription_in_flight_requests", "Requests under way.")
        deadLetters = gauge(
            "tributary_subscription_dead_letters", "Dead letters that are kept; a range that expired is one.")
        oldest = gauge(
            "tributary_subscription_oldest_event_seconds",
            "How long the oldest event that is neither delivered nor given up has been in the log.")
    }

    /// In what state the lane is. `deadLetters`: of its subscription.
    func show(_ state: LaneState, deadLetters count: Int) {
        for (word, gauge) in states { gauge.set(word == state.word ? 1 : 0) }
        for (word, gauge) in breakers { gauge.set(word == state.breaker ? 1 : 0) }
        retrying.set(Double(state.retrying))
        inFlight.set(Double(state.inFlight))
        deadLetters.set(Double(count))
    }

    func count(_ outcome: AttemptOutcome, durationNanoseconds: Int64) {
        if outcome.end == .delivered {
            deliveredAttempts.add()
        } else {
            // A subscription may have got a destination of another kind.
            (attempts[outcome.word] ?? attemptCounter(outcome.word)).add()
        }
        delivery.record(nanoseconds: durationNanoseconds)
    }
}
