import Providers

/// Which events a subscription takes. An empty list takes all; `*` in a pattern stands for any characters.
package struct SubscriptionFilter: Sendable, Equatable {
    package var types: [String] = []
    /// Names of configured sources.
    package var sources: [String] = []
    /// Words of the `provider` attribute.
    package var providers: [String] = []
    package var subjects: [String] = []
    /// Patterns of partition keys.
    package var keys: [String] = []
    /// What must hold of the data besides.
    package var data: [ContentCondition] = []

    package init() {}

    package static let table = FieldTable<SubscriptionFilter>(
        SubscriptionFilter.init,
        [
            Field(
                "types", \.types, words("patterns of event types"),
                "Only events of these types, with *; `dev.tributary.` may be left out.", option: "type"),
            Field(
                "sources", \.sources,
                words("names of sources") { name, decoding in
                    decoding.sources.contains(name)
                        ? nil : "no source is named \"\(name)\"; \(Suggestion.hint(for: name, among: decoding.sources))"
                }, "Only events of these sources.", option: "source"),
            Field(
                "providers", \.providers,
                words("providers") { word, _ in
                    providerWords.contains(word)
                        ? nil : "unknown provider \"\(word)\"; \(Suggestion.hint(for: word, among: providerWords))"
                }, "Only events of these providers.", option: "provider"),
            Field(
                "subjects", \.subjects, words("patterns of subjects"),
                "Only events about these subjects: a room, call or stream, with *.", option: "subject"),
            Field(
                "keys", \.keys, words("patterns of partition keys"), "Only events with these partition keys, with *.",
                option: "key"),
            Field(
                "data", \.data, .list(of: ContentCondition.kind, "conditions", most: 100), "What must hold of the data."
            ),
        ])

    private static let providerWords = ProviderRegistry.all.map { "\($0.attribute)" }

    /// Texts; `fault` says what is wrong with one.
    private static func words(
        _ what: String, _ fault: @escaping @Sendable (String, Decoding) -> String? = { _, _ in nil }
    ) -> FieldKind<[String]> {
        let text = FieldKind.text(what, length: 1...1024)
        let word = FieldKind<String>(
            what, schema: text.schema,
            read: { value, base in
                guard let word = text.read(value, base) else { return nil }
                if let fault = fault(word, value.decoding) { value.report(fault) }
                return word
            }, write: text.write
        ).with(\.option, .text)
        return .list(of: word, what, most: 1000)
    }
}

/// A comparison with a value inside an event's data.
package struct ContentCondition: Sendable, Equatable {
    package enum Test: Sendable, Equatable {
        /// A text, or a number as it is written, that is one of these.
        case oneOf([String])
        /// A number from the first and below the second.
        case within(atLeast: Double?, below: Double?)
        /// Whether there is a value at all, `null` included.
        case exists(Bool)
    }

    /// A JSON Pointer (RFC 6901) into the data.
    package let pointer: String
    package let test: Test

    package init(pointer: String, test: Test) {
        self.pointer = pointer
        self.test = test
    }

    static let kind = FieldKind.object(ConditionSpelledOut.table).converted(
        { ContentCondition(pointer: $0.pointer, test: $0.test) }, to: { ConditionSpelledOut($0) })
}

/// A condition as it is written.
private struct ConditionSpelledOut {
    var pointer = ""
    var equals: String?
    var among: [String]?
    var atLeast: Double?
    var below: Double?
    var exists: Bool?

    init() {}

    init(_ condition: ContentCondition) {
        pointer = condition.pointer
        switch condition.test {
        case .oneOf(let texts): among = texts
        case .exists(let expected): exists = expected
        case .within(let atLeast, let below): (self.atLeast, self.below) = (atLeast, below)
        }
    }

    var test: ContentCondition.Test {
        if let texts = equals.map({ [$0] }) ?? among { return .oneOf(texts) }
        return exists.map { .exists($0) } ?? .within(atLeast: atLeast, below: below)
    }

    static let table = FieldTable<ConditionSpelledOut>(
        ConditionSpelledOut.init, rules: [{ condition, section in check(condition, section) }],
        [
            Field(
                "pointer", \.pointer, .text("a JSON Pointer", pattern: "^/[\\s\\S]*$"),
                "A JSON Pointer (RFC 6901) into the data.", required: "a JSON Pointer such as /call/type"),
            Field("equals", optional: \.equals, scalar, "This text or number."),
            Field("in", optional: \.among, .list(of: scalar, "texts", most: 1000), "One of these texts or numbers."),
            Field("at_least", optional: \.atLeast, .number, "A number that is not smaller."),
            Field("below", optional: \.below, .number, "A number that is smaller."),
            Field("exists", optional: \.exists, .boolean, "Whether there is a value at all, null included."),
        ])

    private static let scalar: FieldKind<String> = {
        let text = FieldKind<String>.parsed("text or a number", numbersToo: true, { $0 }, write: { $0 })
        return FieldKind(
            text.expected, schema: { _ in .anyOf([.string(), .number()]) }, read: text.read, write: text.write)
    }()

    private static func check(_ condition: ConditionSpelledOut, _ section: Section) {
        if section.isRight("pointer"), !condition.pointer.hasPrefix("/") {
            return section.report(
                "", "a JSON Pointer begins with a slash, \"\(condition.pointer)\" does not; write /\(condition.pointer)"
            )
        }
        let given = ["equals", "in", "at_least", "below", "exists"].filter(section.has)
        guard given.count == 1 || given == ["at_least", "below"] else {
            return section.report("", "expected one of equals, in, exists, or at_least and below")
        }
    }
}
