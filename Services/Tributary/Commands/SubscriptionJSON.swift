import JSON
import PipelineConfiguration
import Primitives

/// A configured subscription as JSON, every default written out.
enum SubscriptionJSON {
    static func text(_ subscription: SubscriptionConfiguration) -> JSONText {
        let filter = subscription.filter
        let retry = subscription.retry
        return .object([
            ("name", .string(subscription.name)),
            ("url", .string(subscription.url.text)),
            (
                "filter",
                .object([
                    ("types", .array(filter.types.map(JSONText.string))),
                    ("sources", .array(filter.sources.map(JSONText.string))),
                    ("providers", .array(filter.providers.map(JSONText.string))),
                    ("subjects", .array(filter.subjects.map(JSONText.string))),
                    ("keys", .array(filter.keys.map(JSONText.string))),
                    ("data", .array(filter.data.map(condition))),
                ])
            ),
            ("format", .string(subscription.format.rawValue)),
            ("mode", mode(subscription.mode)),
            (
                "signing",
                .object([
                    ("scheme", .string(subscription.signing.scheme.rawValue)),
                    ("secrets", .array(subscription.signing.secrets.map(ConfigurationJSON.reference))),
                    ("api_key", .optional(subscription.signing.apiKey, JSONText.string)),
                    ("header", .optional(subscription.signing.header, JSONText.string)),
                ])
            ),
            (
                "retry",
                .object([
                    ("scheme", .string(retry.scheme.rawValue)),
                    ("schedule_seconds", .array(retry.schedule.map { .number($0.inSeconds) })),
                    ("repeat_last", .bool(retry.repeatsLast)),
                    ("jitter", .bool(retry.jitter)),
                    ("deadline_seconds", .optional(retry.deadline) { .number($0.inSeconds) }),
                ])
            ),
            ("concurrency", .number(subscription.concurrency)),
            ("rate_limit", .optional(subscription.requestsPerSecond) { .number($0) }),
            ("disable_after_seconds", .optional(subscription.disableAfter) { .number($0.inSeconds) }),
            ("timeout_seconds", .number(subscription.timeoutSeconds)),
            ("order", .string(subscription.order.rawValue)),
            ("key_hold_seconds", .number(subscription.keyHold.inSeconds)),
            ("tls", .optional(subscription.tls, tls)),
        ])
    }

    private static func condition(_ condition: ContentCondition) -> JSONText {
        var members: [(String, JSONText)] = [("pointer", .string(condition.pointer))]
        switch condition.test {
        case .oneOf(let texts): members.append(("in", .array(texts.map(JSONText.string))))
        case .exists(let expected): members.append(("exists", .bool(expected)))
        case .within(let atLeast, let below):
            members.append(("at_least", .optional(atLeast) { .number($0) }))
            members.append(("below", .optional(below) { .number($0) }))
        }
        return .object(members)
    }

    private static func mode(_ mode: SubscriptionMode) -> JSONText {
        switch mode {
        case .single: .string("single")
        case .batch(let every, let maxEvents, let maxBytes):
            .object([
                ("every_seconds", .number(every.inSeconds)), ("max_events", .number(maxEvents)),
                ("max_bytes", .number(maxBytes)),
            ])
        }
    }

    private static func tls(_ tls: SubscriberTLS) -> JSONText {
        .object([
            ("ca", .optional(tls.ca, ConfigurationJSON.reference)),
            ("certificate", .optional(tls.certificate, ConfigurationJSON.reference)),
            ("key", .optional(tls.key, ConfigurationJSON.reference)),
        ])
    }
}
