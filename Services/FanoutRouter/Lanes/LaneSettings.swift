import StageRuntime

/// What one lane needs to know of its subscription.
struct LaneSettings: Sendable {
    var name: String
    var endpoint: EndpointURL
    var matcher: EventMatcher
    var schedule: RetrySchedule
    var concurrency: Int
    var timeoutNanoseconds: Int64
    var maxUnfinished: Int

    init(
        name: String, endpoint: EndpointURL, matcher: EventMatcher = EventMatcher(),
        schedule: RetrySchedule = RetrySchedule(.standard), concurrency: Int = 30,
        timeoutNanoseconds: Int64 = 15_000_000_000, maxUnfinished: Int = 1000
    ) {
        self.name = name
        self.endpoint = endpoint
        self.matcher = matcher
        self.schedule = schedule
        self.concurrency = concurrency
        self.timeoutNanoseconds = timeoutNanoseconds
        self.maxUnfinished = maxUnfinished
    }

    init(_ subscription: SubscriptionConfiguration, maxUnfinished: Int) {
        self.init(
            name: subscription.name, endpoint: subscription.url, matcher: EventMatcher(subscription.filter),
            schedule: RetrySchedule(subscription.retry), concurrency: subscription.concurrency,
            timeoutNanoseconds: Int64(subscription.timeoutSeconds * 1e9), maxUnfinished: maxUnfinished)
    }
}
