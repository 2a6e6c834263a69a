import JSON

/// When an attempt that failed is made again.
package struct RetryConfiguration: Sendable, Equatable {
    package enum Scheme: String, Sendable, CaseIterable {
        case standard
        case stream
        case superviz
        case custom
    }

    /// Whether a destination is believed that says that it will never take an event, or nothing any more.
    package enum FinalAnswers: Sendable, Equatable {
        /// Every answer is tried again, but a destination that is gone disables the subscription (Standard Webhooks).
        case goneDisables
        /// Every answer is tried again.
        case noneIsFinal
        /// What it says is final.
        case believed
    }

    package let scheme: Scheme
    /// The wait before each attempt, so also their number; the first is usually 0. After the last, the event is dead.
    package var schedule: [Duration]
    /// Whether the last wait is repeated until the deadline.
    package var repeatsLast: Bool
    /// Whether waits are lengthened at random, so that many retries do not come at once.
    package var jitter: Bool
    /// Overrides the subscription's time-out.
    package var timeout: Duration?
    /// The time after the first attempt when no further one is made and a last one under way is given up.
    package var deadline: Duration?
    /// Most attempts when the latest came to no connection or lost it; nil: as many as the schedule has.
    package let networkAttempts: Int?
    package let finalAnswers: FinalAnswers

    package init(
        scheme: Scheme = .custom, schedule: [Duration], repeatsLast: Bool = false, jitter: Bool = false,
        timeout: Duration? = nil, deadline: Duration? = nil, networkAttempts: Int? = nil,
        finalAnswers: FinalAnswers = .goneDisables
    ) {
        self.scheme = scheme
        self.schedule = schedule
        self.repeatsLast = repeatsLast
        self.jitter = jitter
        self.timeout = timeout
        self.deadline = deadline
        self.networkAttempts = networkAttempts
        self.finalAnswers = finalAnswers
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
        timeout: .seconds(6), deadline: .seconds(15), networkAttempts: 2, finalAnswers: .believed)

    /// What SuperViz does (docs.superviz.com, "Real-time webhook"): sent again after 2 s, doubling up to 5 min. When it
    /// gives up is not published; here it is a day.
    package static let superviz = RetryConfiguration(
        scheme: .superviz, schedule: [.zero] + (1...7).map { .seconds(1 << $0) } + [.seconds(256), .seconds(300)],
        repeatsLast: true, jitter: true, deadline: .seconds(86_400), finalAnswers: .noneIsFinal)

    // MARK: Its keys

    /// A name, or a policy of one's own.
    static let kind = FieldKind.either(
        scalar: .preset, otherwise: .object(table).inheriting { _ in RetryConfiguration(schedule: []) },
        isScalar: { $0.scheme != .custom })

    private static let table = FieldTable<RetryConfiguration>(
        { RetryConfiguration(schedule: []) }, rules: [{ policy, section in check(policy, section) }],
        [
            Field(
                "schedule", \.schedule,
                .list(of: .duration(.zero ... .seconds(30 * 86_400)), "durations", least: 1, most: 100),
                "The wait before each attempt.", required: "a list of waits such as [0s, 5s, 30s]"),
            Field("repeat_last", \.repeatsLast, .boolean, "Whether the last wait is repeated until the deadline."),
            Field("jitter", \.jitter, .boolean, "Whether waits are lengthened at random."),
            Field(
                "timeout", optional: \.timeout, .duration(.milliseconds(100) ... .seconds(300)),
                "How long one attempt may take, in place of the subscription's."),
            Field(
                "deadline", optional: \.deadline, .duration(.milliseconds(100) ... .seconds(30 * 86_400)),
                "After that no further attempt is made."),
        ])

    private static func check(_ policy: RetryConfiguration, _ section: Section) {
        if let waits = section["schedule"]?.elements?.count, !(1...100).contains(waits) {
            section.report("schedule", "expected 1 to 100 waits, one for each attempt, found \(waits)")
        }
        if policy.repeatsLast, !section.isRight("deadline") {
            section.report("", "repeat_last tries for ever; say for how long with deadline: 24h")
        }
    }
}

extension FieldKind where V == RetryConfiguration {
    /// One of those with a name.
    fileprivate static let preset: FieldKind = {
        let presets = [RetryConfiguration.standard, .stream, .superviz]
        let word = FieldKind<RetryConfiguration.Scheme>.word
        return FieldKind(
            "one of \(presets.map(\.scheme.rawValue).joined(separator: ", "))",
            schema: { _ in .string(oneOf: presets.map(\.scheme.rawValue)) },
            read: { value, _ in
                guard let scheme = word.read(value, nil) else { return nil }
                if let preset = presets.first(where: { $0.scheme == scheme }) { return preset }
                value.report("custom is written as a mapping such as { schedule: [0s, 5s], timeout: 6s }")
                return nil
            }, write: { policy, _ in .string(policy.scheme.rawValue) }
        ).with(\.option, .text)
    }()
}
