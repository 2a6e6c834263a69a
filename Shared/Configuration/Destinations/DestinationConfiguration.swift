/// What a subscription's events go to: its own keys, which stand flat among those of the subscription and mean something
/// only beside its word in `type`.
package protocol DestinationConfiguration: Sendable {
    /// With all defaults.
    init()
    static var word: String { get }
    static var table: FieldTable<Self> { get }
    /// What events may look like there.
    static var formats: [SubscriptionFormat] { get }
    /// Whether a delivery may hold several events; a kind that makes batches of its own takes single ones.
    static var takesBatches: Bool { get }

    /// Where events go, for people and to tell one place from another.
    var place: String { get }
    /// How a receiver can tell that a request is ours.
    var signing: SigningConfiguration { get }
    /// How long one attempt may take.
    var timeout: Duration { get }
    /// Where connections go; none where nothing leaves this machine.
    var endpoints: [EndpointURL] { get }
    var tls: SubscriberTLS? { get }

    /// Why the router's configuration does not allow it, and which key is at fault; nil where it does.
    func refusal(by router: RouterConfiguration) -> (key: String, sentence: String)?
    /// Why nothing will be delivered, as far as the configuration alone says it; nil where it says nothing.
    func warning(by router: RouterConfiguration) -> String?
}

extension DestinationConfiguration {
    package static var formats: [SubscriptionFormat] { SubscriptionFormat.allCases }
    package static var takesBatches: Bool { true }
    package var signing: SigningConfiguration { SigningConfiguration(scheme: .none) }
    package var timeout: Duration { .seconds(15) }
    package var endpoints: [EndpointURL] { [] }
    package var tls: SubscriberTLS? { nil }
    package func refusal(by router: RouterConfiguration) -> (key: String, sentence: String)? { nil }
    package func warning(by router: RouterConfiguration) -> String? {
        endpoints.lazy.compactMap { router.egressRefusal($0) }.first
    }
}

/// Every kind of destination, a line each.
package enum DestinationRegistry {
    /// The first is that of a subscription which names none.
    package static let all: [any DestinationConfiguration.Type] = [
        HTTPDestinationConfiguration.self,
        FileDestinationConfiguration.self,
        SQSDestinationConfiguration.self,
        NATSDestinationConfiguration.self,
    ]

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

// Keys that several kinds have.
extension Field {
    static func timeout(_ path: any WritableKeyPath<Object, Duration> & Sendable) -> Field {
        Field("timeout", path, .duration(.milliseconds(100) ... .seconds(300)), "How long one attempt may take.")
    }

    static func tls(_ path: any WritableKeyPath<Object, SubscriberTLS?> & Sendable) -> Field {
        Field(
            "tls", optional: path, .object(SubscriberTLS.table),
            "How connections are secured where the defaults do not fit; PEM each.", fileOnly: true)
    }
}
