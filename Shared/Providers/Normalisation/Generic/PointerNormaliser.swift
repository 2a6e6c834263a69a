import Events
import JSON
import LibCrypto
import Primitives
import Providers
import SimdJSON
import Wire

/// Carries out a `PointerMapping`: any JSON text, or a form, is one event or a batch of them. Belongs to one thread.
///
/// * type: what `type` leads to, text or number, as `providertype`; the canonical type by `types`. Without it the event
///   is `provider.unmapped` and has no `providertype`; nothing is refused for the lack of it.
/// * id: what `id` leads to; else the SHA-256 of the canonical form (RFC 8785, but numbers keep their exact value) where
///   the element says when it happened, for then the same content is the same event; else generated.
/// * Where `elements` leads to neither array nor object, the body is one event.
/// * data: the element byte for byte, redactions apart; of a form the object that it stands for.
final class PointerNormaliser: WebhookNormaliser {
    private let mapping: PointerMapping
    private let provider: StaticString
    private let idsFromContent: Bool
    private let sendsForms: Bool
    /// A field of the request head that holds the id, for providers that send it there.
    private let idField: StaticString?
    private let vocabulary: Vocabulary
    private let typeSlot: Int?
    private let idSlot: Int?
    private let timeSlots: [Int]
    private var draft = EventDraft()
    private var form: [UInt8] = []
    private let digest = ContentDigest()
    private var reader: JSONReader { vocabulary.reader }

    init(
        _ mapping: PointerMapping, of provider: any Provider.Type, options: MappingOptions,
        idField: StaticString? = nil
    ) {
        self.mapping = mapping
        self.provider = provider.attribute
        sendsForms = provider.sendsForms
        self.idField = idField
        idsFromContent = options.idsFromContent
        let subject = mapping.subject ?? ""
        let key = mapping.partitionKey ?? ""
        let vocabulary = Vocabulary(
            types: mapping.types.map { MappedType($0.key, $0.value, subject, by: key) },
            unmapped: [MappedType("", MappedType.unmapped, subject, by: key)],
            extraFields: [mapping.type, mapping.id, mapping.time].compactMap { $0 }, aliases: [:],
            credentials: provider.credentials.adding(mapping.redactions))
        self.vocabulary = vocabulary
        typeSlot = mapping.type.map(vocabulary.slot)
        idSlot = mapping.id.map(vocabulary.slot)
        timeSlots = mapping.time.map { [vocabulary.slot($0)] } ?? []
    }

    func normalise(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> StageOutcome {
        if isForm(webhook) { return normaliseForm(webhook, into: &writer) }
        if let elements = mapping.elements {
            switch reader.readElements(webhook.body, at: elements) {
            case .found(let count) where reader.isBatch || !elements.isEmpty:
                return normaliseBatch(webhook, count, into: &writer)
            case .refused(let code) where code != .bodyNotArray: return .refused(.normaliser(code))
            case .found, .refused: break
            }
        }
        if let code = reader.readValue(webhook.body) { return .refused(.normaliser(code)) }
        describe(webhook)
        let start = writer.count
        draft.write(for: webhook, provider: provider, reader: reader, into: &writer)
        return CanonicalEventsWriter.bounded(webhook, from: start, &writer)
    }

    /// Whether the body is the form that its label says. Senders label JSON as forms, too, without meaning to (curl's
    /// `--data`): an object or array is what it is.
    private func isForm(_ webhook: VerifiedWebhook) -> Bool {
        guard sendsForms, QueryText.isForm(webhook.accepted.head.value("content-type")) else { return false }
        let first = webhook.body.withoutByteOrderMark.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return true }
        return reader.readValue(webhook.body) != nil
    }

    private func normaliseForm(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> StageOutcome {
        guard FormReader.write(webhook.body, into: &form) else {
            let detail = "the body is said to be a form, but is not one in UTF-8, or has too many parameters"
            return .refused(Rejection(.bodyNotJSON, stage: .normaliser, detail: detail))
        }
        return form.withUnsafeBytes { text in
            if let code = reader.readValue(text) { return .refused(.normaliser(code)) }
            describe(webhook)
            let start = writer.count
            var events = draft.openEvents(of: webhook, in: &writer)
            draft.writeElement(
                0, of: webhook, text: text, provider: provider, reader: reader, &events, &writer)
            events.finish(in: &writer)
            return CanonicalEventsWriter.bounded(webhook, from: start, &writer)
        }
    }

    private func normaliseBatch(
        _ webhook: VerifiedWebhook, _ count: Int, into writer: inout ByteWriter
    ) -> StageOutcome {
        guard count <= CanonicalEventsWriter.mostElements else { return .refused(.normaliser(.tooManyElements)) }
        let start = writer.count
        var events = draft.openEvents(of: webhook, in: &writer)
        return events.finishBatch(of: count, for: webhook, from: start, in: &writer) { element, events, writer in
            // Whatever is no object has no attributes to find, but is an event all the same.
            _ = reader.select(Int(element))
            describe(webhook)
            draft.writeElement(element, of: webhook, provider: provider, reader: reader, &events, &writer)
            return nil
        }
    }

    /// Fills the draft from the element read last.
    private func describe(_ webhook: VerifiedWebhook) {
        draft.reset()
        let type = typeSlot.flatMap(reader.identifier)
        if let type { AttributeText.append(type, to: &draft.providerType) }
        vocabulary.describe(type ?? UnsafeRawBufferPointer(start: nil, count: 0), preferring: nil, in: &draft)
        draft.takeTime(timeSlots, in: mapping.timeUnit, of: reader)
        if let id = idSlot.flatMap(reader.identifier) {
            AttributeText.append(id, to: &draft.id)
        } else if let idField, let id = webhook.accepted.head.value(idField),
            (1...JSONReader.identifierBytes).contains(id.count)
        {
            AttributeText.append(id, to: &draft.id)
        } else if idsFromContent, !draft.time.isEmpty {
            digest.appendID(of: reader.canonical(exactNumbers: true), to: &draft.id)
        }
    }
}
