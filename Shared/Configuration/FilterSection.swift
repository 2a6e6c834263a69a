import Providers
import Yams

extension ConfigurationDecoder {
    /// Which events a subscription takes:
    ///
    /// ```yaml
    /// filter:
    ///   types: ["participant.*", recording.ready]
    ///   sources: [stream]                  # names of configured sources
    ///   providers: [stream, fishjam]
    ///   subjects: ["calls/livestream:*"]
    ///   keys: ["livestream:town-hall-42"]  # partition keys
    ///   data:                              # every condition must hold
    ///     - { pointer: /participant/role, in: [host, admin] }
    ///     - { pointer: /call/type, equals: livestream }
    ///     - { pointer: /duration_seconds, at_least: 60, below: 3600 }
    ///     - { pointer: /reason, exists: true }
    /// ```
    func filter(_ section: Section, sources: [String]) -> SubscriptionFilter {
        let keys = ["types", "sources", "providers", "subjects", "keys", "data"]
        guard let value = section.optional("filter"), let part = Section(value, keys: keys, problems: problems) else {
            return .all
        }
        func texts(_ key: String, _ expected: String) -> [(Value, String)] {
            part.list(key, of: expected).compactMap { member in
                part.text(member, expected: expected).map { (member, $0) }
            }
        }
        let named = texts("sources", "names of sources")
        for (member, name) in named where !sources.contains(name) {
            problems.report(member, "no source is named \"\(name)\"; \(Suggestion.hint(for: name, among: sources))")
        }
        let words = ProviderRegistry.all.map { "\($0.attribute)" }
        let providers = texts("providers", "providers")
        for (member, word) in providers where !words.contains(word) {
            problems.report(member, "unknown provider \"\(word)\"; \(Suggestion.hint(for: word, among: words))")
        }
        return SubscriptionFilter(
            types: texts("types", "patterns of event types").map(\.1), sources: named.map(\.1),
            providers: providers.map(\.1), subjects: texts("subjects", "patterns of subjects").map(\.1),
            keys: texts("keys", "patterns of partition keys").map(\.1),
            data: part.list("data", of: "conditions").compactMap { condition($0) })
    }

    private func condition(_ value: Value) -> ContentCondition? {
        let tests = ["equals", "in", "at_least", "below", "exists"]
        guard let part = Section(value, keys: ["pointer"] + tests, problems: problems) else { return nil }
        let pointer = part.text(
            part.required("pointer", expected: "a JSON Pointer such as /call/type"), expected: "a JSON Pointer")
        if let pointer, !pointer.hasPrefix("/") {
            problems.report(value, "a JSON Pointer begins with a slash, \"\(pointer)\" does not; write /\(pointer)")
            return nil
        }
        let given = tests.filter { part.optional($0) != nil }
        guard given.count == 1 || given == ["at_least", "below"] else {
            problems.report(value, "expected one of equals, in, exists, or at_least and below")
            return nil
        }
        guard let test = test(given[0], part), let pointer else { return nil }
        return ContentCondition(pointer: pointer, test: test)
    }

    private func test(_ key: String, _ part: Section) -> ContentCondition.Test? {
        switch key {
        case "equals":
            part.text(part.optional("equals"), expected: "text or a number", numbersToo: true).map { .oneOf([$0]) }
        case "in":
            .oneOf(
                part.list("in", of: "texts").compactMap {
                    part.text($0, expected: "text or a number", numbersToo: true)
                })
        case "exists": .exists(part.boolean("exists", default: true))
        default: .within(atLeast: number("at_least", part), below: number("below", part))
        }
    }

    private func number(_ key: String, _ part: Section) -> Double? {
        guard let value = part.optional(key) else { return nil }
        guard let scalar = value.node.scalar, let number = Double(scalar.string), number.isFinite,
            !problems.isDocument || scalar.style == .plain
        else {
            problems.report(value, "expected a number, found \(value.kind)")
            return nil
        }
        return number
    }
}
