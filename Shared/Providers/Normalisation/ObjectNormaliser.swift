import Events
import JSON
import Providers
import SimdJSON
import Wire

/// Carries out an `ObjectMapping`: one object, one event. Belongs to one thread.
final class ObjectNormaliser: WebhookNormaliser {
    private let mapping: ObjectMapping
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

    func normalise(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> StageOutcome {
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
        return .passed
    }
}
