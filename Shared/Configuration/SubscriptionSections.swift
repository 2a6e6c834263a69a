import Yams

extension ConfigurationDecoder {
    static let subscriptionKeys = [
        "name", "type", "filter", "format", "mode", "retry", "concurrency", "rate_limit", "disable_after", "timeout",
        "order", "key_hold",
    ]

    /// The list of subscriptions; those with a report are left out.
    func decodeSubscriptions(
        _ root: Section, sources: [String], router: RouterConfiguration
    ) -> [SubscriptionConfiguration] {
        var taken: [String: Int] = [:]
        return root.list("subscriptions", of: "subscriptions").compactMap { value in
            guard let subscription = decodeSubscription(value, sources: sources, taken: &taken) else { return nil }
            if let refusal = subscription.destination.refusal(by: router),
                let node = value.node.mapping?[Node(refusal.key)]
            {
                let place = problems.member(refusal.key, of: value.keyPath)
                problems.report(Value(node: node, keyPath: place), refusal.sentence)
            }
            return subscription
        }
    }

    /// One subscription. `taken`: the names that are in use, with their lines.
    func decodeSubscription(
        _ value: Value, sources: [String], taken: inout [String: Int]
    ) -> SubscriptionConfiguration? {
        let kind = destinationKind(value)
        let refused = problems.isDocument ? kind.configurationOnlyKeys : []
        let keys = (Self.subscriptionKeys + kind.keys).filter { !refused.contains($0) }
        guard let section = Section(value, keys: keys, problems: problems) else { return nil }
        let name = name(section, "subscription", taken: &taken)
        let destination = kind.decode(section, self)
        let parts = parts(section, sources: sources)
        if parts.mode != .single, let value = section.optional("format"),
            [.original, .cloudeventsBinary].contains(parts.format)
        {
            problems.report(
                value,
                "\(parts.format.rawValue) cannot hold several events; use mode: single, or format: "
                    + "cloudevents or superviz")
        }
        if !kind.formats.contains(parts.format), let value = section.optional("format") {
            let words = kind.formats.map(\.rawValue).joined(separator: ", ")
            problems.report(
                value, "a destination of the type \(kind.kind) takes \(words), not \(parts.format.rawValue)")
        }
        guard let name, let destination else { return nil }
        return SubscriptionConfiguration(
            name: name, destination: destination, filter: parts.filter, format: parts.format, mode: parts.mode,
            retry: parts.retry, concurrency: parts.concurrency,
            requestsPerSecond: parts.requestsPerSecond, disableAfter: parts.disableAfter, timeout: parts.timeout,
            order: parts.order, keyHold: parts.keyHold)
    }

    /// The kind that `type` names; the first where it is left out or wrong, which is reported.
    private func destinationKind(_ value: Value) -> any DecodableDestination.Type {
        let kinds = DestinationRegistry.decodable
        guard let node = value.node.mapping?["type"] else { return kinds[0] }
        if let kind = kinds.first(where: { $0.kind == node.scalar?.string }) { return kind }
        let type = Value(node: node, keyPath: problems.member("type", of: value.keyPath))
        let words = DestinationRegistry.words
        problems.report(
            type,
            "expected one of \(words.joined(separator: ", ")), found \(type.kind)"
                + (Suggestion.nearest(to: node.scalar?.string ?? "", among: words).map { "; did you mean \"\($0)\"?" }
                    ?? ""))
        return kinds[0]
    }

    private func parts(_ section: Section, sources: [String]) -> SubscriptionParts {
        let retry = retry(section)
        let timeout = section.duration(
            "timeout", default: .seconds(15), in: Duration.milliseconds(100)...Duration.seconds(300))
        return SubscriptionParts(
            filter: filter(section, sources: sources),
            format: section.choice(section.optional("format"), SubscriptionFormat.self, default: .cloudevents),
            mode: mode(section),
            retry: retry,
            concurrency: section.integer("concurrency", default: 30, in: 1...1000),
            requestsPerSecond: section.optional("rate_limit").map { _ in
                Double(section.integer("rate_limit", default: 1, in: 1...100_000))
            },
            disableAfter: section.duration(
                "disable_after", default: .seconds(5 * 86_400),
                in: Duration.seconds(60)...Duration.seconds(365 * 86_400)),
            timeout: timeout,
            order: section.choice(section.optional("order"), DeliveryOrder.self, default: .none),
            keyHold: keyHold(section))
    }

    /// What is decoded even where a subscription has no name or destination, so that everything wrong is reported.
    private struct SubscriptionParts {
        let filter: SubscriptionFilter
        let format: SubscriptionFormat
        let mode: SubscriptionMode
        let retry: RetryConfiguration
        let concurrency: Int
        let requestsPerSecond: Double?
        let disableAfter: Duration?
        let timeout: Duration
        let order: DeliveryOrder
        let keyHold: Duration
    }

    private func keyHold(_ section: Section) -> Duration {
        if let value = section.optional("key_hold"), section.optional("order")?.node.scalar?.string != "key" {
            problems.report(value, "key_hold says how long a failing event holds up its key, so it needs order: key")
        }
        return section.duration(
            "key_hold", default: .seconds(300), in: Duration.seconds(1)...Duration.seconds(86_400))
    }

    private func mode(_ section: Section) -> SubscriptionMode {
        guard let value = section.optional("mode") else { return .single }
        if case .scalar = value.node {
            let text = section.text(value, expected: "single or a mapping with batch")
            if let text, text != "single" {
                problems.report(value, "expected single or a mapping with batch, found \"\(text)\"")
            }
            return .single
        }
        guard let outer = Section(value, keys: ["batch"], problems: problems),
            let batch = outer.required("batch", expected: "a mapping with every, max_events and max_bytes"),
            let part = Section(batch, keys: ["every", "max_events", "max_bytes"], problems: problems)
        else { return .single }
        return .batch(
            every: part.duration("every", default: .seconds(1), in: Duration.milliseconds(10)...Duration.seconds(3600)),
            maxEvents: part.integer("max_events", default: 1000, in: 1...1000),
            maxBytes: part.integer(
                "max_bytes", default: SubscriptionMode.defaultBatchBytes, in: SubscriptionMode.batchBytes))
    }
}
