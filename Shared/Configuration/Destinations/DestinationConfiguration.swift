/// What a subscription's events go to: its own keys, which stand flat among those of the subscription and mean something
/// only beside its word in `type`.
package protocol DestinationConfiguration: Sendable {
    /// With all defaults.
    init()
    static var word: String { get }
    static var table: FieldTable<Self> { get }
}

/// Every kind of destination, a line each.
package enum DestinationRegistry {
    /// The first is that of a subscription which names none.
    package static let all: [any DestinationConfiguration.Type] = [HTTPDestinationConfiguration.self]

    static func kind(named word: String) -> (any DestinationConfiguration.Type)? { all.first { $0.word == word } }
}

extension DestinationConfiguration {
    /// Its rows and rules as those of a subscription.
    static func lifted() -> (
        fields: [Field<SubscriptionConfiguration>], rules: [FieldTable<SubscriptionConfiguration>.Rule]
    ) {
        let only = OnlyWith("type", word, isDefault: word == DestinationRegistry.all[0].word)
        let fields = table.fields.map { field in
            field.lifted(
                only: only, get: { (subscription: SubscriptionConfiguration) in subscription.destination as? Self },
                set: { $0.destination = $1 })
        }
        let rules = table.rules.map { rule -> FieldTable<SubscriptionConfiguration>.Rule in
            { subscription, section in
                guard var part = subscription.destination as? Self else { return }
                rule(&part, section)
                subscription.destination = part
            }
        }
        return (fields, rules)
    }
}

extension FieldKind where V == any DestinationConfiguration {
    /// The word of a kind; its keys are read by their own rows.
    static let destination = FieldKind.oneOf(
        DestinationRegistry.all.map { $0.word }, { DestinationRegistry.kind(named: $0)?.init() },
        write: { type(of: $0).word })
}
