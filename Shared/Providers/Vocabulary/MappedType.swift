/// One line of a provider's vocabulary: what its event is called here and what it is about.
package struct MappedType: Sendable {
    /// The provider's name for the event.
    package let providerType: String
    /// The canonical type without its prefix, such as `participant.joined`; one of `CanonicalVocabulary`.
    package let canonicalType: String
    /// The subject as a template: `calls/{call_cid}/users/{user.id}`. It ends before the first field that the
    /// webhook does not have, so that a subject always names something that exists.
    package let subject: String
    /// The field whose value keeps events in order; empty: none.
    package let partitionKey: String
    /// The event's id as a template, for providers that give none but let one be made: `upload_ready:{rec_id}`. An id
    /// that lacks a field is not made. Nil: the provider's own rule.
    package let id: String?
    /// The field that says when it happened, where that differs from type to type. Nil: the provider's own rule.
    package let time: String?

    package init(
        _ providerType: String, _ canonicalType: String, _ subject: String, by partitionKey: String,
        id: String? = nil, time: String? = nil
    ) {
        self.providerType = providerType
        self.canonicalType = canonicalType
        self.subject = subject
        self.partitionKey = partitionKey
        self.id = id
        self.time = time
    }

    /// A type for each line of a table: the provider's name, the canonical type, the subject, and the field that keeps
    /// order where that is another than `partitionKey`; none has a blank in it.
    package static func rows(by partitionKey: String, _ table: String) -> [MappedType] {
        table.split(separator: "\n").map { line in
            let cells = line.split(separator: " ").map(String.init)
            precondition((3...4).contains(cells.count), "a row has three or four cells: \(line)")
            return MappedType(cells[0], cells[1], cells[2], by: cells.count == 4 ? cells[3] : partitionKey)
        }
    }

    /// The reverse-DNS prefix of every canonical type.
    package static let prefix = "dev.tributary."
    /// The canonical type of whatever a provider sends that no line of its vocabulary names.
    package static let unmapped = "provider.unmapped"
}
