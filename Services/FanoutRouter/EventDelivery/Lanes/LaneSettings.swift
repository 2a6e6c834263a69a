import NIOCore
import PipelineConfiguration
import Primitives

/// What one lane needs to know of its subscription.
package struct LaneSettings: Sendable {
    /// How batches are made.
    struct Batch: Sendable {
        /// The time from a batch's first event to its request.
        var everyNanoseconds: Int64
        var maxEvents: Int
        /// Most bytes of a request's body; a single larger event travels alone.
        var maxBytes = SubscriptionMode.defaultBatchBytes
    }

    /// How events go out.
    struct Mode: Equatable, Sendable {
        var inBatches = false
        /// Whether events of one key are delivered one after the other.
        var keepsKeyOrder = false
        /// Whether single events stand in line by their keys; batches keep the order by going out one at a time.
        var linesUp: Bool { keepsKeyOrder && !inBatches }
    }

    package var name: String
    /// Where its events go, to tell one destination from another.
    var place: String
    var matcher = EventMatcher()
    var conditions: [ContentCondition] = []
    var format = SubscriptionFormat.cloudevents
    var policy = RetryPolicy(.standard)
    var concurrency = 30
    /// Requests per second at most; nil: as many as the subscriber bears.
    var requestsPerSecond: Double?
    /// Disables the subscription after so long without a success; nil: never.
    var disableAfterNanoseconds: Int64?
    var timeoutNanoseconds: Int64 = 15_000_000_000
    var maxUnfinished = 1000
    /// Whether events of one partition key are delivered one after the other.
    var keepsKeyOrder = false
    /// Nil: one event per request.
    var batch: Batch?
    /// The time from the first event of a batch to its first attempt.
    var gatheringNanoseconds: Int64 { (batch?.everyNanoseconds ?? 0) + policy.firstWaitNanoseconds }
    /// Events that may be unfinished at once: of batches one on its way and one being gathered, whatever is set.
    var room: Int { max(maxUnfinished, 2 * (batch?.maxEvents ?? 0)) }
    var mode: Mode { Mode(inBatches: batch != nil, keepsKeyOrder: keepsKeyOrder) }
}

extension LaneSettings {
    init(_ subscription: SubscriptionConfiguration, maxUnfinished: Int) {
        self.init(
            name: subscription.name, place: subscription.destination.place, matcher: EventMatcher(subscription.filter),
            conditions: subscription.filter.data,
            format: subscription.format,
            policy: RetryPolicy(subscription.retry, holding: subscription.order == .key ? subscription.keyHold : nil),
            concurrency: subscription.concurrency,
            requestsPerSecond: subscription.requestsPerSecond.map(Double.init),
            disableAfterNanoseconds: subscription.disableAfter.nanoseconds,
            timeoutNanoseconds: Int64(subscription.timeoutSeconds * 1e9), maxUnfinished: maxUnfinished,
            keepsKeyOrder: subscription.order == .key, batch: Self.batch(subscription.mode))
    }

    private static func batch(_ mode: SubscriptionMode) -> Batch? {
        guard case .batch(let every, let maxEvents, let maxBytes) = mode else { return nil }
        return Batch(everyNanoseconds: every.nanoseconds, maxEvents: maxEvents, maxBytes: maxBytes)
    }

    /// What follows from an attempt of a delivery that counts it already.
    func consequence(of outcome: AttemptOutcome, _ delivery: UnfinishedDelivery, now: Int64) -> RetryPolicy.Consequence
    {
        policy.consequence(
            of: outcome, attempt: delivery.attempts, now: now, firstAttempt: delivery.firstAttemptNanoseconds,
            chance: .random(in: 0...1), batchOf: batch == nil && delivery.count == 1 ? nil : delivery.count)
    }

    /// Why a delivery is given up after that outcome.
    func reason(of outcome: AttemptOutcome) -> String {
        outcome.verdict == .tooLarge && batch != nil
            ? "\(outcome.cause): too large for the subscriber even alone" : outcome.reason
    }
}

extension LaneSettings.Batch {
    /// How many of these events fit into one request, and never less than one: an array in JSON.
    func fitting(_ events: [RenderedEvent]) -> Int {
        var bytes = 1
        for (index, event) in events.enumerated() {
            // With a comma or the bracket.
            bytes += event.content.body.count + 1
            if bytes > maxBytes { return max(1, index) }
        }
        return events.count
    }
}
