import Primitives
import StageRuntime

/// What one lane needs to know of its subscription.
struct LaneSettings: Sendable {
    /// How batches are made.
    struct Batch: Sendable {
        /// The time from a batch's first event to its request.
        var everyNanoseconds: Int64
        var maxEvents: Int
        /// Most bytes of a request's body; a single larger event travels alone.
        var maxBytes = SubscriptionMode.defaultBatchBytes
    }

    var name: String
    var endpoint: EndpointURL
    var matcher: EventMatcher
    var conditions: [ContentCondition]
    var format: SubscriptionFormat
    var policy: RetryPolicy
    var concurrency: Int
    /// Requests per second at most; nil: as many as the subscriber bears.
    var requestsPerSecond: Double?
    /// Disables the subscription after so long without a success; nil: never.
    var disableAfterNanoseconds: Int64?
    var timeoutNanoseconds: Int64
    var maxUnfinished: Int
    /// Whether events of one partition key are delivered one after the other.
    var keepsKeyOrder: Bool
    /// Nil: one event per request.
    var batch: Batch?
    /// The time from the first event of a batch to its first attempt.
    var gatheringNanoseconds: Int64 { (batch?.everyNanoseconds ?? 0) + policy.firstWaitNanoseconds }
    /// Whether single events stand in line by their keys; batches keep the order by going out one at a time.
    var linesUp: Bool { keepsKeyOrder && batch == nil }

    init(
        name: String, endpoint: EndpointURL, matcher: EventMatcher = EventMatcher(),
        conditions: [ContentCondition] = [],
        format: SubscriptionFormat = .cloudevents, policy: RetryPolicy = RetryPolicy(.standard), concurrency: Int = 30,
        requestsPerSecond: Double? = nil, disableAfterNanoseconds: Int64? = nil,
        timeoutNanoseconds: Int64 = 15_000_000_000, maxUnfinished: Int = 1000, keepsKeyOrder: Bool = false,
        batch: Batch? = nil
    ) {
        self.name = name
        self.endpoint = endpoint
        self.matcher = matcher
        self.conditions = conditions
        self.format = format
        self.policy = policy
        self.concurrency = concurrency
        self.requestsPerSecond = requestsPerSecond
        self.disableAfterNanoseconds = disableAfterNanoseconds
        self.timeoutNanoseconds = timeoutNanoseconds
        self.batch = batch
        // A batch on its way and one being gathered.
        self.maxUnfinished = max(maxUnfinished, 2 * (batch?.maxEvents ?? 0))
        self.keepsKeyOrder = keepsKeyOrder
    }

    init(_ subscription: SubscriptionConfiguration, maxUnfinished: Int) {
        self.init(
            name: subscription.name, endpoint: subscription.url, matcher: EventMatcher(subscription.filter),
            conditions: subscription.filter.data,
            format: subscription.format,
            policy: RetryPolicy(subscription.retry, holding: subscription.order == .key ? subscription.keyHold : nil),
            concurrency: subscription.concurrency,
            requestsPerSecond: subscription.requestsPerSecond,
            disableAfterNanoseconds: subscription.disableAfter?.nanoseconds,
            timeoutNanoseconds: Int64(subscription.timeoutSeconds * 1e9), maxUnfinished: maxUnfinished,
            keepsKeyOrder: subscription.order == .key, batch: Self.batch(subscription.mode))
    }

    private static func batch(_ mode: SubscriptionMode) -> Batch? {
        guard case .batch(let every, let maxEvents, let maxBytes) = mode else { return nil }
        return Batch(everyNanoseconds: every.nanoseconds, maxEvents: maxEvents, maxBytes: maxBytes)
    }
}
