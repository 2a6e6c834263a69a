import Events
import Providers
import SimdJSON
import Wire

/// Maps Stream's webhooks: one object, one event.
///
/// * id: `X-WEBHOOK-ID`, the same over retries; generated where it is missing or over 1024 bytes.
/// * time: `created_at`, RFC 3339 text or integer nanoseconds (`type: number, format: date-time` in the OpenAPI v2).
/// * subject: by `StreamTypes`; it ends before the first field that is missing. Types that are not listed, and bodies
///   without the first field, are about their call (`call_cid`, else `call.cid`), else about their user.
/// * hidden: `StreamProvider.credentials`.
final class StreamNormaliser: WebhookNormaliser {
    private let vocabulary: Vocabulary
    private let typeSlot: Int
    private let timeSlots: [Int]
    private var draft = EventDraft()

    init() {
        vocabulary = Vocabulary(
            types: StreamTypes.all,
            unmapped: [
                MappedType("", MappedType.unmapped, "calls/{call_cid}", by: "call_cid"),
                MappedType("", MappedType.unmapped, "users/{user.id}", by: "user.id"),
            ],
            extraFields: ["type", "created_at"],
            aliases: [
                "call_cid": ["call_cid", "call.cid"],
                "user.id": ["user.id", "user_id"],
                "user_id": ["user_id", "user.id"],
            ],
            credentials: StreamProvider.credentials)
        typeSlot = vocabulary.slot("type")
        timeSlots = [vocabulary.slot("created_at")]
    }

    func normalise(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> StageOutcome {
        if let rejection = describe(webhook.body) { return .refused(rejection) }
        if let id = webhook.accepted.head.value("x-webhook-id"), id.count <= JSONReader.identifierBytes {
            AttributeText.append(id, to: &draft.id)
        }
        draft.takeTime(timeSlots, of: vocabulary.reader)
        draft.write(for: webhook, provider: "stream", reader: vocabulary.reader, into: &writer)
        return .passed
    }

    /// The same of `text`, which says in Stream's words what `webhook` sent to a call; its id is generated, its time received-at.
    func normalise(
        _ text: UnsafeRawBufferPointer, translating webhook: VerifiedWebhook, into writer: inout ByteWriter
    ) -> StageOutcome {
        if let rejection = describe(text) { return .refused(rejection) }
        var payload: [UInt8] = []
        vocabulary.reader.writeRedacted(text, into: &payload)
        var events = draft.openEvents(of: webhook, in: &writer)
        draft.writeElement(
            0, of: webhook, provider: StreamCallsProvider.attribute, data: payload, &events, &writer)
        events.finish(in: &writer)
        return .passed
    }

    /// Fills the draft but for id and time.
    private func describe(_ text: UnsafeRawBufferPointer) -> Rejection? {
        let reader = vocabulary.reader
        if let code = reader.read(text) { return .normaliser(code) }
        guard let type = reader.string(typeSlot), !type.isEmpty else { return .normaliser(.typeMissing) }
        draft.reset()
        AttributeText.append(type, to: &draft.providerType)
        vocabulary.describe(type, preferring: nil, in: &draft)
        return nil
    }
}
