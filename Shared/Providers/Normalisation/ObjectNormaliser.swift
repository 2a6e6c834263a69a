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
        if let rejection = describe(webhook.body) { return .refused(rejection) }
        if let header = mapping.idHeader, let id = webhook.accepted.head.value(header),
            id.count <= JSONReader.identifierBytes
        {
            AttributeText.append(id, to: &draft.id)
        }
        for slot in idSlots where draft.id.isEmpty {
            if let id = reader.identifier(slot) { AttributeText.append(id, to: &draft.id) }
        }
        if mapping.takesIntegerTimes {
            draft.takeTime(timeSlots, of: reader)
        } else {
            draft.takeTime(timeSlots, in: mapping.timeUnit, of: reader)
        }
        draft.write(for: webhook, provider: mapping.provider, reader: reader, into: &writer)
        return .passed
    }

    /// The same of `text`, which says in this provider's words what `webhook` brought to another; its id is generated, its
    /// time received-at.
    func normalise(
        _ text: UnsafeRawBufferPointer, translating webhook: VerifiedWebhook, of provider: StaticString,
        into writer: inout ByteWriter
    ) -> StageOutcome {
        if let rejection = describe(text) { return .refused(rejection) }
        var payload: [UInt8] = []
        vocabulary.reader.writeRedacted(text, into: &payload)
        var events = draft.openEvents(of: webhook, in: &writer)
        draft.writeElement(0, of: webhook, provider: provider, data: payload, &events, &writer)
        events.finish(in: &writer)
        return .passed
    }

    /// Fills the draft but for id and time.
    private func describe(_ text: UnsafeRawBufferPointer) -> Rejection? {
        if let code = vocabulary.reader.read(text) { return .normaliser(code) }
        guard let type = vocabulary.reader.string(typeSlot), !type.isEmpty else {
            return Rejection(
                .typeMissing, stage: .normaliser,
                detail: "the body has no `\(mapping.typeField)`, or one that is not a non-empty string")
        }
        draft.reset()
        AttributeText.append(type, to: &draft.providerType)
        vocabulary.describe(type, preferring: nil, in: &draft)
        return nil
    }
}
