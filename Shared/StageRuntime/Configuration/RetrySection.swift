import Yams

extension ConfigurationDecoder {
    /// The retry schedule of a subscription: a name, or one of its own.
    func retry(_ section: Section) -> RetryConfiguration {
        guard let value = section.optional("retry") else { return .standard }
        if case .scalar = value.node {
            return namedRetry(value, section)
        }
        guard let part = Section(value, keys: ["schedule", "timeout", "deadline"], problems: problems) else {
            return .standard
        }
        let month = Duration.seconds(30 * 86_400)
        _ = part.required("schedule", expected: "a list of waits such as [0s, 5s, 30s]")
        let waits = part.list("schedule", of: "durations")
        if let schedule = part.optional("schedule"), !(1...100).contains(waits.count) {
            problems.report(schedule, "expected 1 to 100 waits, one for each attempt, found \(waits.count)")
        }
        return RetryConfiguration(
            scheme: .custom,
            schedule: waits.compactMap { part.duration($0, in: Duration.zero...month) },
            jitter: false,
            timeout: part.optional("timeout").flatMap {
                part.duration($0, in: Duration.milliseconds(100)...Duration.seconds(300))
            },
            deadline: part.optional("deadline").flatMap { part.duration($0, in: Duration.milliseconds(100)...month) })
    }

    private func namedRetry(_ value: Value, _ section: Section) -> RetryConfiguration {
        switch section.choice(value, RetryConfiguration.Scheme.self, default: .standard) {
        case .standard: break
        case .custom:
            problems.report(value, "custom is written as a mapping such as { schedule: [0s, 5s], timeout: 6s }")
        case .stream, .superviz:
            let text = value.node.scalar?.string ?? ""
            problems.report(
                value, "\(text) is not supported by this version, which serves standard or a schedule of your own")
        }
        return .standard
    }
}
