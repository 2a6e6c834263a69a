import Yams

extension ConfigurationDecoder {
    /// The list of subscriptions; those with a report are left out.
    func decodeSubscriptions(_ root: Section, sources: [String]) -> [SubscriptionConfiguration] {
        var taken: [String: Int] = [:]
        return root.list("subscriptions", of: "subscriptions").compactMap { value in
            let keys = [
                "name", "url", "filter", "format", "mode", "signing", "retry", "concurrency", "timeout", "order",
            ]
            guard let section = Section(value, keys: keys, problems: problems) else { return nil }
            let name = name(section, "subscription", taken: &taken)
            let url = endpoint(section)
            let retry = retry(section)
            let timeout = section.duration(
                "timeout", default: .seconds(15), in: Duration.milliseconds(100)...Duration.seconds(300))
            let subscription = SubscriptionParts(
                filter: filter(section, sources: sources),
                format: served(section, "format", SubscriptionFormat.self, default: .cloudevents),
                mode: mode(section),
                signing: signing(section),
                concurrency: section.integer("concurrency", default: 30, in: 1...1000),
                order: served(section, "order", DeliveryOrder.self, default: .none))
            guard let name, let url else { return nil }
            return SubscriptionConfiguration(
                name: name, url: url, filter: subscription.filter, format: subscription.format,
                mode: subscription.mode, signing: subscription.signing, retry: retry,
                concurrency: subscription.concurrency, timeoutSeconds: (retry.timeout ?? timeout).inSeconds,
                order: subscription.order)
        }
    }

    /// What is decoded even where a subscription has no name or URL, so that everything wrong is reported.
    private struct SubscriptionParts {
        let filter: SubscriptionFilter
        let format: SubscriptionFormat
        let mode: SubscriptionMode
        let signing: SigningConfiguration
        let concurrency: Int
        let order: DeliveryOrder
    }

    /// A choice of which this version serves only the default.
    private func served<Choice: RawRepresentable & CaseIterable & Equatable>(
        _ section: Section, _ key: String, _ choices: Choice.Type, default: Choice
    ) -> Choice where Choice.RawValue == String {
        let value = section.optional(key)
        let choice = section.choice(value, choices, default: `default`)
        if let value, choice != `default` {
            problems.report(
                value, "\(choice.rawValue) is not supported by this version, which serves \(`default`.rawValue)")
        }
        return choice
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

    private func filter(_ section: Section, sources: [String]) -> SubscriptionFilter {
        guard let value = section.optional("filter"),
            let part = Section(value, keys: ["types", "sources", "subjects"], problems: problems)
        else { return SubscriptionFilter(types: [], sources: [], subjects: []) }
        func texts(_ key: String, _ expected: String) -> [(Value, String)] {
            part.list(key, of: expected).compactMap { member in
                part.text(member, expected: expected).map { (member, $0) }
            }
        }
        let named = texts("sources", "names of sources")
        for (member, name) in named where !sources.contains(name) {
            problems.report(member, "no source is named \"\(name)\"; \(Suggestion.hint(for: name, among: sources))")
        }
        return SubscriptionFilter(
            types: texts("types", "patterns of event types").map(\.1), sources: named.map(\.1),
            subjects: texts("subjects", "patterns of subjects").map(\.1))
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
        problems.report(value, "batch is not supported by this version, which serves single")
        return .batch(
            every: part.duration("every", default: .seconds(1), in: Duration.milliseconds(10)...Duration.seconds(3600)),
            maxEvents: part.integer("max_events", default: 1000, in: 1...10_000))
    }

    private func signing(_ section: Section) -> SigningConfiguration {
        let expected = "a mapping with scheme and secrets; scheme: none sends unsigned"
        guard let value = section.required("signing", expected: expected),
            let part = Section(value, keys: ["scheme", "secrets"], problems: problems)
        else { return SigningConfiguration(scheme: .none, secrets: []) }
        let scheme = part.choice(
            part.required("scheme", expected: "standard-webhooks or none"), SigningConfiguration.Scheme.self,
            default: .none)
        let secrets = part.list("secrets", of: "secret references")
        switch scheme {
        case .none:
            if let superfluous = part.optional("secrets"), !secrets.isEmpty {
                problems.report(
                    superfluous, "scheme: none signs nothing; remove the secrets or choose standard-webhooks")
            }
        case .standardWebhooks:
            part.requireElements("secrets", expected: "at least one secret to sign with")
        case .stream, .header:
            problems.report(
                value,
                "\(scheme.rawValue) is not supported by this version, which serves standard-webhooks and none")
        }
        return SigningConfiguration(scheme: scheme, secrets: secrets.compactMap { secret($0, part) })
    }
}
