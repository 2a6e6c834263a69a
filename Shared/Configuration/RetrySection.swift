import Yams

extension ConfigurationDecoder {
    /// The retry policy of a subscription: a name, or one of its own.
    func retry(_ section: Section) -> RetryConfiguration {
        guard let value = section.optional("retry") else { return .standard }
        if case .scalar = value.node {
            return namedRetry(value, section)
        }
        let keys = ["schedule", "repeat_last", "jitter", "timeout", "deadline"]
        guard let part = Section(value, keys: keys, problems: problems) else { return .standard }
        let month = Duration.seconds(30 * 86_400)
        _ = part.required("schedule", expected: "a list of waits such as [0s, 5s, 30s]")
        let waits = part.list("schedule", of: "durations")
        if let schedule = part.optional("schedule"), !(1...100).contains(waits.count) {
            problems.report(schedule, "expected 1 to 100 waits, one for each attempt, found \(waits.count)")
        }
        let deadline = part.optional("deadline").flatMap {
            part.duration($0, in: Duration.milliseconds(100)...month)
        }
        let repeatsLast = part.boolean("repeat_last", default: false)
        if repeatsLast, deadline == nil {
            problems.report(value, "repeat_last tries for ever; say for how long with deadline: 24h")
        }
        return RetryConfiguration(
            schedule: waits.compactMap { part.duration($0, in: Duration.zero...month) },
            repeatsLast: repeatsLast,
            jitter: part.boolean("jitter", default: false),
            timeout: part.optional("timeout").flatMap {
                part.duration($0, in: Duration.milliseconds(100)...Duration.seconds(300))
            },
            deadline: deadline)
    }

    private func namedRetry(_ value: Value, _ section: Section) -> RetryConfiguration {
        switch section.choice(value, RetryConfiguration.Scheme.self, default: .standard) {
        case .standard: return .standard
        case .stream: return .stream
        case .superviz: return .superviz
        case .custom:
            problems.report(value, "custom is written as a mapping such as { schedule: [0s, 5s], timeout: 6s }")
            return .standard
        }
    }
}
