/// One receiver of events.
package struct SubscriptionConfiguration: Sendable {
    /// 1 to 63 characters of a-z, 0-9 and `-`.
    package let name: String
    package let url: EndpointURL
    package let filter: SubscriptionFilter
    package let format: SubscriptionFormat
    package let mode: SubscriptionMode
    package let signing: SigningConfiguration
    package let retry: RetryConfiguration
    /// Requests in flight at once.
    package let concurrency: Int
    /// How long one attempt may take; the `timeout` of a retry schedule goes before that of the subscription.
    package let timeoutSeconds: Double
    package let order: DeliveryOrder
}

/// Which events a subscription takes. An empty list takes all; `*` in a pattern stands for any characters.
package struct SubscriptionFilter: Sendable, Equatable {
    package let types: [String]
    /// Names of configured sources.
    package let sources: [String]
    package let subjects: [String]
}

/// What the body of a delivery looks like.
package enum SubscriptionFormat: String, Sendable, CaseIterable {
    case cloudevents
    case cloudeventsBinary = "cloudevents-binary"
    case original
    case superviz
}

/// How many events go into one request.
package enum SubscriptionMode: Sendable, Equatable {
    case single
    case batch(every: Duration, maxEvents: Int)
}

/// In which order a subscription's events are delivered.
package enum DeliveryOrder: String, Sendable, CaseIterable {
    case none
    case key
}

/// How a subscriber can tell that a request is ours.
package struct SigningConfiguration: Sendable {
    package enum Scheme: String, Sendable, CaseIterable {
        case standardWebhooks = "standard-webhooks"
        case stream
        case header
        case none
    }

    package let scheme: Scheme
    /// Each signs, so that a subscriber can change its secret in peace.
    package let secrets: [SecretReference]
}

/// When an attempt that failed is made again.
package struct RetryConfiguration: Sendable, Equatable {
    package enum Scheme: String, Sendable, CaseIterable {
        case standard
        case stream
        case superviz
        case custom
    }

    package let scheme: Scheme
    /// The wait before each attempt, so also their number; the first is usually 0. After the last, the event is dead.
    package let schedule: [Duration]
    /// Whether waits are lengthened at random, so that many retries do not come at once.
    package let jitter: Bool
    /// Overrides the subscription's time-out.
    package let timeout: Duration?
    /// The time after the first attempt when no further one is made.
    package let deadline: Duration?

    /// The schedule that the Standard Webhooks specification recommends.
    package static let standard = RetryConfiguration(
        scheme: .standard,
        schedule: [
            .zero, .seconds(5), .seconds(300), .seconds(1800), .seconds(7200), .seconds(18_000), .seconds(36_000),
            .seconds(36_000),
        ],
        jitter: true, timeout: nil, deadline: nil)
}
