package import Events
package import Wire

/// The mapping of a provider whose webhooks are one JSON object and one event each, as data.
package struct ObjectMapping: Sendable {
    /// The provider's name for itself, `Provider.attribute`.
    package var provider: StaticString
    package var types: [MappedType]
    /// What events are about that no line of `types` names, or whose own subject lacks its first field: the first of
    /// these that has its first field.
    package var fallbacks: [MappedType] = []
    /// Where the type is.
    package var typeField = "type"
    /// Where the id is, best first; none: types make their own, or it is generated.
    package var idFields: [String] = []
    /// Where the time is, best first; none: types have their own, or it is received-at.
    package var timeFields: [String] = []
    package var timeUnit = TimeUnit.rfc3339
    /// Paths to try for a field of a template, best first; a field without alias is its own path.
    package var aliases: [String: [String]] = [:]
}

/// Carries out an `ObjectMapping`: one object, one event. Belongs to one thread.
package final class ObjectNormaliser: WebhookNormaliser {
    package let mapping: ObjectMapping
    private let vocabulary: Vocabulary
    private let typeSlot: Int
    private let idSlots: [Int]
    private let timeSlots: [Int]
    private var draft = EventDraft()

    init(_ mapping: ObjectMapping, _ credentials: Credentials) {
        self.mapping = mapping
        vocabulary = Vocabulary(
            types: mapping.types, unmapped: mapping.fallbacks,
            extraFields: [mapping.typeField] + mapping.idFields + mapping.timeFields, aliases: mapping.aliases,
            credentials: credentials)
        typeSlot = vocabulary.slot(mapping.typeField)
        idSlots = mapping.idFields.map(vocabulary.slot)
        timeSlots = mapping.timeFields.map(vocabulary.slot)
    }

    package func normalise(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> NormaliserOutcome {
        let reader = vocabulary.reader
        if let code = reader.read(webhook.body) { return .refused(.normaliser(code)) }
        guard let type = reader.string(typeSlot), !type.isEmpty else {
            return .refused(
                Rejection(
                    .typeMissing, stage: .normaliser,
                    detail: "the body has no `\(mapping.typeField)`, or one that is not a non-empty string"))
        }
        draft.reset()
        AttributeText.append(type, to: &draft.providerType)
        vocabulary.describe(type, preferring: nil, in: &draft)
        for slot in idSlots where draft.id.isEmpty {
            if let id = reader.identifier(slot) { AttributeText.append(id, to: &draft.id) }
        }
        draft.takeTime(timeSlots, in: mapping.timeUnit, of: reader)
        draft.write(for: webhook, provider: mapping.provider, reader: reader, into: &writer)
        return .normalised
    }
}
