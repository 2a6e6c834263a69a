/// One line of a provider's vocabulary: what its event is called here and what it is about.
package struct MappedType: Sendable {
    /// The provider's name for the event.
    package let providerType: String
    /// The canonical type without its prefix, such as `participant.joined`.
    package let canonicalType: String
    /// The subject as a template: `calls/{call_cid}/users/{user.id}`. It ends before the first field that the
    /// webhook does not have, so that a subject always names something that exists.
    package let subject: String
    /// The field whose value keeps events in order.
    package let partitionKey: String

    package init(_ providerType: String, _ canonicalType: String, _ subject: String, by partitionKey: String) {
        self.providerType = providerType
        self.canonicalType = canonicalType
        self.subject = subject
        self.partitionKey = partitionKey
    }

    /// The reverse-DNS prefix of every canonical type.
    package static let prefix = "dev.tributary."
    /// The canonical type of whatever a provider sends that no line of its vocabulary names.
    package static let unmapped = "provider.unmapped"
}
