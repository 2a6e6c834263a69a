package import JSON

/// What a subscription has of its own by the kind of its destination.
package protocol DestinationConfiguration: Sendable {
    /// The word of `type`.
    static var kind: String { get }
    /// The keys that a subscription of this kind has beside those that all have.
    static var keys: [String] { get }
    /// Those of them that only the configuration may have: they would make the router read its own machine.
    static var configurationOnlyKeys: [String] { get }
    /// What the events may look like there.
    static var formats: [SubscriptionFormat] { get }

    /// Where events go, for people and to tell one place from another.
    var place: String { get }
    /// How requests are signed.
    var signing: SigningConfiguration { get }
    /// What its other keys refer to.
    var references: [SecretReference] { get }
    /// Those of them that hold nothing secret.
    var publicReferences: [SecretReference] { get }
    /// Its keys but `signing`, as the control API takes and gives them.
    var members: [(String, JSONText)] { get }

    /// Why the router's configuration does not allow the destination, and which key is at fault; nil where it does.
    func refusal(by router: RouterConfiguration) -> (key: String, sentence: String)?
    /// Why nothing will be delivered, as far as the configuration alone says it; nil where it says nothing.
    func warning(by router: RouterConfiguration) -> String?
}

extension DestinationConfiguration {
    package static var configurationOnlyKeys: [String] { [] }
    package static var formats: [SubscriptionFormat] { SubscriptionFormat.allCases }
    package var signing: SigningConfiguration { SigningConfiguration(scheme: .none, secrets: []) }
    package var references: [SecretReference] { [] }
    package var publicReferences: [SecretReference] { [] }
    package func refusal(by router: RouterConfiguration) -> (key: String, sentence: String)? { nil }
    package func warning(by router: RouterConfiguration) -> String? { nil }
}

/// A kind of destination that the configuration can hold.
protocol DecodableDestination: DestinationConfiguration {
    /// Reads its keys. Reports what is wrong; nil where it is too little to go on with.
    static func decode(_ section: Section, _ decoder: ConfigurationDecoder) -> Self?
}

/// Every kind of destination.
package enum DestinationRegistry {
    /// The first is that of a subscription without `type`.
    static let decodable: [any DecodableDestination.Type] = [
        HTTPDestinationConfiguration.self
    ]

    package static var kinds: [any DestinationConfiguration.Type] { decodable }
    /// The words of `type`.
    package static var words: [String] { kinds.map { $0.kind } }
}
