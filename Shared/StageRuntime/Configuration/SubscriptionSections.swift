import Yams

extension ConfigurationDecoder {
    /// The list of subscriptions; those with a report are left out.
    func decodeSubscriptions(_ root: Section, sources: [String]) -> [SubscriptionConfiguration] {
        var taken: [String: Int] = [:]
        return root.list("subscriptions", of: "subscriptions").compactMap { value in
            let keys = [
                "name", "url", "filter", "format", "mode", "signing", "retry", "concurrency", "rate_limit",
                "disable_after", "timeout", "order", "key_hold",
            ]
            guard let section = Section(value, keys: keys, problems: problems) else { return nil }
            let name = name(section, "subscription", taken: &taken)
            let url = endpoint(section)
            let retry = retry(section)
            let timeout = section.duration(
                "timeout", default: .seconds(15), in: Duration.milliseconds(100)...Duration.seconds(300))
            let subscription = SubscriptionParts(
                filter: filter(section, sources: sources),
                format: section.choice(section.optional("format"), SubscriptionFormat.self, default: .cloudevents),
                mode: mode(section),
                signing: signing(section),
                concurrency: section.integer("concurrency", default: 30, in: 1...1000),
                requestsPerSecond: section.optional("rate_limit").map { _ in
                    Double(section.integer("rate_limit", default: 1, in: 1...100_000))
                },
                disableAfter: section.duration(
                    "disable_after", default: .seconds(5 * 86_400),
                    in: Duration.seconds(60)...Duration.seconds(365 * 86_400)),
                order: section.choice(section.optional("order"), DeliveryOrder.self, default: .none),
                keyHold: keyHold(section))
            if subscription.mode != .single, let value = section.optional("format"),
                [.original, .cloudeventsBinary].contains(subscription.format)
            {
                problems.report(
                    value,
                    "\(subscription.format.rawValue) cannot hold several events; use mode: single, or format: "
                        + "cloudevents or superviz")
            }
            guard let name, let url else { return nil }
            return SubscriptionConfiguration(
                name: name, url: url, filter: subscription.filter, format: subscription.format,
                mode: subscription.mode, signing: subscription.signing, retry: retry,
                concurrency: subscription.concurrency, requestsPerSecond: subscription.requestsPerSecond,
                disableAfter: subscription.disableAfter, timeoutSeconds: (retry.timeout ?? timeout).inSeconds,
                order: subscription.order, keyHold: subscription.keyHold)
        }
    }

    /// What is decoded even where a subscription has no name or URL, so that everything wrong is reported.
    private struct SubscriptionParts {
        let filter: SubscriptionFilter
        let format: SubscriptionFormat
        let mode: SubscriptionMode
        let signing: SigningConfiguration
        let concurrency: Int
        let requestsPerSecond: Double?
        let disableAfter: Duration?
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
            let batch = outer.required("batch", expected: "a mapping with every and max_events"),
            let part = Section(batch, keys: ["every", "max_events"], problems: problems)
        else { return .single }
        return .batch(
            every: part.duration("every", default: .seconds(1), in: Duration.milliseconds(10)...Duration.seconds(3600)),
            maxEvents: part.integer("max_events", default: 1000, in: 1...1000))
    }
}
