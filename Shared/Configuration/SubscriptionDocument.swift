package import JSON
import Primitives
import Yams

/// A subscription as the control API takes and gives it: JSON with the keys of the configuration file, without secrets.
package enum SubscriptionDocument {
    /// Keys of the file that a document may not have, because they would make the router read its own machine.
    static let configurationOnly = ["tls"]

    /// Decodes a document with the very decoder of the file. `signing` may be left out and means standard-webhooks;
    /// secrets are refused here, because whoever keeps them takes them out first. `sources`: the names that a filter may
    /// name. Throws everything that is wrong at once.
    package static func decode(
        _ document: JSONValue, sources: [String]
    ) throws(SubscriptionDocumentError) -> SubscriptionConfiguration {
        let problems = Problems(file: "", isDocument: true)
        let root = Value(node: node(document, "", problems), keyPath: "")
        guard problems.errors.isEmpty else { throw SubscriptionDocumentError(problems) }
        var taken: [String: Int] = [:]
        let subscription = ConfigurationDecoder(file: "", problems: problems).decodeSubscription(
            root, sources: sources, taken: &taken)
        guard problems.errors.isEmpty, let subscription else { throw SubscriptionDocumentError(problems) }
        return subscription
    }

    /// The document of a subscription, every default written out; decoding it gives the same subscription, but for its
    /// secrets and `tls`.
    package static func json(_ subscription: SubscriptionConfiguration) -> JSONText {
        var members: [(String, JSONText)] = [
            ("name", .string(subscription.name)), ("url", .string(subscription.url.text)),
            ("filter", filter(subscription.filter)), ("format", .string(subscription.format.rawValue)),
            ("mode", mode(subscription.mode)), ("signing", signing(subscription.signing)),
            ("retry", retry(subscription.retry)), ("concurrency", .number(subscription.concurrency)),
        ]
        if let rate = subscription.requestsPerSecond { members.append(("rate_limit", .number(Int(rate)))) }
        if let disableAfter = subscription.disableAfter { members.append(("disable_after", duration(disableAfter))) }
        members.append(("timeout", duration(subscription.timeout)))
        members.append(("order", .string(subscription.order.rawValue)))
        if subscription.order == .key { members.append(("key_hold", duration(subscription.keyHold))) }
        return .object(members)
    }

    private static func filter(_ filter: SubscriptionFilter) -> JSONText {
        .object([
            ("types", texts(filter.types)), ("sources", texts(filter.sources)),
            ("providers", texts(filter.providers)), ("subjects", texts(filter.subjects)), ("keys", texts(filter.keys)),
            ("data", .array(filter.data.map(condition))),
        ])
    }

    private static func condition(_ condition: ContentCondition) -> JSONText {
        var members: [(String, JSONText)] = [("pointer", .string(condition.pointer))]
        switch condition.test {
        case .oneOf(let values): members.append(("in", texts(values)))
        case .exists(let expected): members.append(("exists", .bool(expected)))
        case .within(let atLeast, let below):
            if let atLeast { members.append(("at_least", .number(atLeast))) }
            if let below { members.append(("below", .number(below))) }
        }
        return .object(members)
    }

    private static func mode(_ mode: SubscriptionMode) -> JSONText {
        switch mode {
        case .single: .string("single")
        case .batch(let every, let maxEvents, let maxBytes):
            .object([
                (
                    "batch",
                    .object([
                        ("every", duration(every)), ("max_events", .number(maxEvents)),
                        ("max_bytes", .number(maxBytes)),
                    ])
                )
            ])
        }
    }

    private static func signing(_ signing: SigningConfiguration) -> JSONText {
        var members: [(String, JSONText)] = [("scheme", .string(signing.scheme.rawValue))]
        if let apiKey = signing.apiKey { members.append(("api_key", .string(apiKey))) }
        if let header = signing.header { members.append(("header", .string(header))) }
        if !signing.prefix.isEmpty { members.append(("prefix", .string(signing.prefix))) }
        return .object(members)
    }

    private static func retry(_ retry: RetryConfiguration) -> JSONText {
        guard retry.scheme == .custom else { return .string(retry.scheme.rawValue) }
        var members: [(String, JSONText)] = [
            ("schedule", .array(retry.schedule.map(duration))), ("repeat_last", .bool(retry.repeatsLast)),
            ("jitter", .bool(retry.jitter)),
        ]
        if let timeout = retry.timeout { members.append(("timeout", duration(timeout))) }
        if let deadline = retry.deadline { members.append(("deadline", duration(deadline))) }
        return .object(members)
    }

    private static func duration(_ duration: Duration) -> JSONText { .string(DurationText.text(duration)) }

    private static func texts(_ texts: [String]) -> JSONText { .array(texts.map(JSONText.string)) }

    /// JSON as the tree that the decoder reads: strings as if in quotes, everything else as if written plainly.
    private static func node(_ value: JSONValue, _ pointer: String, _ problems: Problems) -> Node {
        switch value {
        case .null: return plain("null")
        case .bool(let flag): return plain(flag ? "true" : "false")
        case .number(let digits): return plain(digits)
        case .string(let text): return Node(text, .implicit, .doubleQuoted)
        case .array(let elements):
            return Node(elements.enumerated().map { node($0.element, "\(pointer)/\($0.offset)", problems) })
        case .object(let members):
            var names: Set<String> = []
            return Node(
                members.map { member in
                    let place = problems.member(member.name, of: pointer)
                    if !names.insert(member.name).inserted {
                        problems.report(line: 0, place, "this name comes twice in one object; keep one")
                    }
                    return (Node(member.name, .implicit, .doubleQuoted), node(member.value, place, problems))
                })
        }
    }

    private static func plain(_ text: String) -> Node { Node(text, .implicit, .plain) }
}

/// Everything that is wrong with a subscription's document.
package struct SubscriptionDocumentError: Error, Sendable, CustomStringConvertible {
    /// Where (a JSON Pointer; empty for the whole document), and what is wrong, what was expected, and how to fix it.
    package let problems: [(pointer: String, sentence: String)]

    init(_ problems: Problems) {
        self.problems = problems.errors.map { ($0.keyPath, $0.sentence) }
    }

    /// One problem per line.
    package var description: String {
        problems.map { $0.pointer.isEmpty ? $0.sentence : "\($0.pointer): \($0.sentence)" }.joined(separator: "\n")
    }
}
