import Yams

extension ConfigurationDecoder {
    static let subscriptionKeys = [
        "name", "url", "filter", "format", "mode", "signing", "retry", "concurrency", "rate_limit", "disable_after",
        "timeout", "order", "key_hold", "tls",
    ]

    /// The list of subscriptions; those with a report are left out.
    func decodeSubscriptions(
        _ root: Section, sources: [String], router: RouterConfiguration
    ) -> [SubscriptionConfiguration] {
        var taken: [String: Int] = [:]
        return root.list("subscriptions", of: "subscriptions").compactMap { value in
            guard let subscription = decodeSubscription(value, sources: sources, taken: &taken) else { return nil }
            if let refusal = router.plainHTTPRefusal(subscription.url), let url = value.node.mapping?["url"] {
                problems.report(Value(node: url, keyPath: problems.member("url", of: value.keyPath)), refusal)
            }
            return subscription
        }
    }

    /// One subscription. `taken`: the names that are in use, with their lines.
    func decodeSubscription(
        _ value: Value, sources: [String], taken: inout [String: Int]
    ) -> SubscriptionConfiguration? {
        let refused = problems.isDocument ? SubscriptionDocument.configurationOnly : []
        let keys = Self.subscriptionKeys.filter { !refused.contains($0) }
        guard let section = Section(value, keys: keys, problems: problems) else { return nil }
        let name = name(section, "subscription", taken: &taken)
        let url = endpoint(section)
        let parts = parts(section, sources: sources, isTLS: url?.isTLS ?? true)
        if parts.mode != .single, let value = section.optional("format"),
            [.original, .cloudeventsBinary].contains(parts.format)
        {
            problems.report(
                value,
                "\(parts.format.rawValue) cannot hold several events; use mode: single, or format: "
                    + "cloudevents or superviz")
        }
        guard let name, let url else { return nil }
        return SubscriptionConfiguration(
            name: name, url: url, filter: parts.filter, format: parts.format, mode: parts.mode,
            signing: parts.signing, retry: parts.retry, concurrency: parts.concurrency,
            requestsPerSecond: parts.requestsPerSecond, disableAfter: parts.disableAfter, timeout: parts.timeout,
            order: parts.order, keyHold: parts.keyHold, tls: parts.tls)
    }

    private func parts(_ section: Section, sources: [String], isTLS: Bool) -> SubscriptionParts {
        let retry = retry(section)
        let timeout = section.duration(
            "timeout", default: .seconds(15), in: Duration.milliseconds(100)...Duration.seconds(300))
        return SubscriptionParts(
            filter: filter(section, sources: sources),
            format: section.choice(section.optional("format"), SubscriptionFormat.self, default: .cloudevents),
            mode: mode(section),
            signing: signing(section),
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
            keyHold: keyHold(section),
            tls: subscriberTLS(section, isTLS: isTLS))
    }

    /// What is decoded even where a subscription has no name or URL, so that everything wrong is reported.
    private struct SubscriptionParts {
        let filter: SubscriptionFilter
        let format: SubscriptionFormat
        let mode: SubscriptionMode
        let signing: SigningConfiguration
        let retry: RetryConfiguration
        let concurrency: Int
        let requestsPerSecond: Double?
        let disableAfter: Duration?
        let timeout: Duration
        let order: DeliveryOrder
        let keyHold: Duration
        let tls: SubscriberTLS?
    }

    /// Authorities and certificate for connections to one subscriber.
    private func subscriberTLS(_ section: Section, isTLS: Bool) -> SubscriberTLS? {
        guard let value = section.optional("tls"),
            let part = Section(value, keys: ["ca", "certificate", "key"], problems: problems)
        else { return nil }
        if !isTLS { problems.report(value, "tls says nothing about a URL with http; use https or remove tls") }
        let names = ["ca", "certificate", "key"]
        if names.allSatisfy({ part.optional($0) == nil }) {
            problems.report(value, "expected ca, or certificate and key, or all three")
        }
        for (one, other) in [("certificate", "key"), ("key", "certificate")] where part.optional(one) != nil {
            _ = part.required(other, expected: "file:PATH, because \(one) is there and both belong together")
        }
        let references = names.map { name in part.optional(name).flatMap { secret($0, part) } }
        return SubscriberTLS(ca: references[0], certificate: references[1], key: references[2])
    }

    private func keyHold(_ section: Section) -> Duration {
        if let value = section.optional("key_hold"), section.optional("order")?.node.scalar?.string != "key" {
            problems.report(value, "key_hold says how long a failing event holds up its key, so it needs order: key")
        }
        return section.duration(
            "key_hold", default: .seconds(300), in: Duration.seconds(1)...Duration.seconds(86_400))
    }

    private func endpoint(_ section: Section) -> EndpointURL? {
        let expected = "a URL such as https://example.com/events"
        guard let value = section.required("url", expected: expected),
            let text = section.text(value, expected: expected)
        else { return nil }
        do {
            return try EndpointURL(text)
        } catch {
            problems.report(value, "expected \(expected), found \"\(text)\": \(error.reason)")
            return nil
        }
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
