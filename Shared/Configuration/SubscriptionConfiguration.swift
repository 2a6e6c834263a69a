import Primitives

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
    /// Requests per second at most; nil: as many as the subscriber bears.
    package let requestsPerSecond: Double?
    /// After so long without a single success the subscription is disabled; it keeps its place. Nil: never.
    package let disableAfter: Duration?
    /// How long one attempt may take where the retry policy does not say it.
    package let timeout: Duration
    package let order: DeliveryOrder
    /// With `order: key`: how long a failing event may hold up the others of its key.
    package let keyHold: Duration
    /// How connections are secured where the defaults do not fit.
    package let tls: SubscriberTLS?

    /// How long one attempt may take; the `timeout` of a retry schedule goes before that of the subscription.
    package var timeoutSeconds: Double { (retry.timeout ?? timeout).inSeconds }
}

/// Which events a subscription takes. An empty list takes all; `*` in a pattern stands for any characters.
package struct SubscriptionFilter: Sendable, Equatable {
    package let types: [String]
    /// Names of configured sources.
    package let sources: [String]
    /// Words of the `provider` attribute.
    package let providers: [String]
    package let subjects: [String]
    /// Patterns of partition keys.
    package let keys: [String]
    /// What must hold of the data besides.
    package let data: [ContentCondition]

    package static let all = SubscriptionFilter(
        types: [], sources: [], providers: [], subjects: [], keys: [], data: [])
}

/// A comparison with a value inside an event's data.
package struct ContentCondition: Sendable, Equatable {
    package enum Test: Sendable, Equatable {
        /// A text, or a number as it is written, that is one of these.
        case oneOf([String])
        /// A number from the first and below the second.
        case within(atLeast: Double?, below: Double?)
        /// Whether there is a value at all, `null` included.
        case exists(Bool)
    }

    /// A JSON Pointer (RFC 6901) into the data.
    package let pointer: String
    package let test: Test

    package init(pointer: String, test: Test) {
        self.pointer = pointer
        self.test = test
    }
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
    /// What came in that time; so many events at most, and a body of so many bytes. A single larger event travels alone.
    case batch(every: Duration, maxEvents: Int, maxBytes: Int)

    /// Bounds of `max_bytes` and what it is where nothing is said.
    package static let batchBytes = 1024...(16 << 20)
    package static let defaultBatchBytes = 4 << 20
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
    /// With `standard-webhooks` each signs, so that a subscriber can change its secret in peace; elsewhere the first.
    package let secrets: [SecretReference]
    /// With `stream`: what goes into `X-API-KEY`.
    package let apiKey: String?
    /// With `header`: the lower-case name of the field, and what stands before the secret.
    package let header: String?
    package let prefix: String

    package init(
        scheme: Scheme, secrets: [SecretReference], apiKey: String? = nil, header: String? = nil, prefix: String = ""
    ) {
        self.scheme = scheme
        self.secrets = secrets
        self.apiKey = apiKey
        self.header = header
        self.prefix = prefix
    }
}

/// When an attempt that failed is made again.
package struct RetryConfiguration: Sendable, Equatable {
    package enum Scheme: String, Sendable, CaseIterable {
        case standard
        case stream
        case superviz
        case custom
    }

    /// Which answers other than 2xx are final.
    package enum FinalStatuses: Sendable, Equatable {
        /// None: every answer is tried again, but 410 disables the subscription (Standard Webhooks).
        case goneDisables
        /// None, 410 neither.
        case noneIsFinal
        /// Every 3xx and 4xx but 408 and 429.
        case clientErrors
    }

    package let scheme: Scheme
    /// The wait before each attempt, so also their number; the first is usually 0. After the last, the event is dead.
    package let schedule: [Duration]
    /// Whether the last wait is repeated until the deadline.
    package let repeatsLast: Bool
    /// Whether waits are lengthened at random, so that many retries do not come at once.
    package let jitter: Bool
    /// Overrides the subscription's time-out.
    package let timeout: Duration?
    /// The time after the first attempt when no further one is made and a last one under way is given up.
    package let deadline: Duration?
    /// Most attempts when the latest came to no connection or lost it; nil: as many as the schedule has.
    package let networkAttempts: Int?
    package let finalStatuses: FinalStatuses

    package init(
        scheme: Scheme = .custom, schedule: [Duration], repeatsLast: Bool = false, jitter: Bool = false,
        timeout: Duration? = nil, deadline: Duration? = nil, networkAttempts: Int? = nil,
        finalStatuses: FinalStatuses = .goneDisables
    ) {
        self.scheme = scheme
        self.schedule = schedule
        self.repeatsLast = repeatsLast
        self.jitter = jitter
        self.timeout = timeout
        self.deadline = deadline
        self.networkAttempts = networkAttempts
        self.finalStatuses = finalStatuses
    }

    /// The schedule that the Standard Webhooks specification recommends.
    package static let standard = RetryConfiguration(
        scheme: .standard,
        schedule: [
            .zero, .seconds(5), .seconds(300), .seconds(1800), .seconds(7200), .seconds(18_000), .seconds(36_000),
            .seconds(36_000),
        ],
        jitter: true)

    /// What Stream does (getstream.io, "Webhooks overview"): 408, 429, 5xx and time-outs up to 3 attempts, network
    /// errors 2, 6 s for each, 15 s for all; other answers are final. The waits between are not published.
    package static let stream = RetryConfiguration(
        scheme: .stream, schedule: [.zero, .milliseconds(500), .milliseconds(1000)], jitter: true,
        timeout: .seconds(6), deadline: .seconds(15), networkAttempts: 2, finalStatuses: .clientErrors)

    /// What SuperViz does (docs.superviz.com, "Real-time webhook"): sent again after 2 s, doubling up to 5 min. When it
    /// gives up is not published; here it is a day.
    package static let superviz = RetryConfiguration(
        scheme: .superviz, schedule: [.zero] + (1...7).map { .seconds(1 << $0) } + [.seconds(256), .seconds(300)],
        repeatsLast: true, jitter: true, deadline: .seconds(86_400), finalStatuses: .noneIsFinal)
}
