import Events
import Providers
import SimdJSON
import Wire

/// Maps FastPix's webhooks, both generations: one object, one event.
///
/// * id: `id`, else `webhookId` (so called in the documentation's tables), else generated. Never `object.id`.
/// * time: `createdAt`, else `created_at`.
/// * subject: by `FastPixTypes`, where `streamId` is `data.streamId`, else `object.id`, and an asset is `object.id`,
///   else `data.id`. Types that are not listed are `assets/…` or `streams/…` by `object.type`, else `objects/…`.
/// * hidden: `FastPixProvider.credentials`.
/// * A signed object with neither `id` nor `type`, or a signed body of white space alone, is a probe and gives no event.
final class FastPixNormaliser: WebhookNormaliser {
    /// Which fallback subject an `object.type` asks for.
    private enum Fallback: Int {
        case streams, assets, objects
    }

    private let vocabulary: Vocabulary
    private let typeSlot: Int
    private let idSlots: [Int]
    private let timeSlots: [Int]
    private let objectTypeSlot: Int
    private var draft = EventDraft()
    private var spelled: [UInt8] = []

    init() {
        vocabulary = Vocabulary(
            types: FastPixTypes.all,
            unmapped: [
                MappedType("", MappedType.unmapped, "streams/{streamId}", by: "object.id"),
                MappedType("", MappedType.unmapped, "assets/{object.id}", by: "object.id"),
                MappedType("", MappedType.unmapped, "objects/{object.id}", by: "object.id"),
            ],
            extraFields: ["type", "id", "webhookId", "createdAt", "created_at", "object.type"],
            aliases: [
                "streamId": ["data.streamId", "object.id"],
                "simulcastId": ["data.simulcastId"],
                "object.id": ["object.id", "data.id", "data.streamId"],
            ],
            credentials: FastPixProvider.credentials)
        typeSlot = vocabulary.slot("type")
        idSlots = [vocabulary.slot("id"), vocabulary.slot("webhookId")]
        timeSlots = [vocabulary.slot("createdAt"), vocabulary.slot("created_at")]
        objectTypeSlot = vocabulary.slot("object.type")
    }

    func normalise(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> StageOutcome {
        let reader = vocabulary.reader
        if let code = reader.read(webhook.body) {
            guard webhook.body.withoutByteOrderMark.allSatisfy({ [0x20, 0x09, 0x0A, 0x0D].contains($0) }) else {
                return .refused(.normaliser(code))
            }
            CanonicalEventsWriter.writeNone(for: webhook, into: &writer)
            return .passed
        }
        let id = idSlots.lazy.compactMap { reader.identifier($0) }.first
        guard let type = reader.string(typeSlot), !type.isEmpty else {
            guard id == nil else { return .refused(.normaliser(.typeMissing)) }
            CanonicalEventsWriter.writeNone(for: webhook, into: &writer)
            return .passed
        }
        draft.reset()
        AttributeText.append(type, to: &draft.providerType)
        describe(type)
        if let id { AttributeText.append(id, to: &draft.id) }
        draft.takeTime(timeSlots, of: reader)
        draft.write(for: webhook, provider: "fastpix", reader: reader, into: &writer)
        return .passed
    }

    /// Some of FastPix's own code says `media.ai` where its documentation says `mediaAI`.
    private func describe(_ type: UnsafeRawBufferPointer) {
        let other = Self.otherInsights
        guard type.starts(with: other) else {
            return vocabulary.describe(type, preferring: fallback(for: type).rawValue, in: &draft)
        }
        spelled.removeAll(keepingCapacity: true)
        spelled.append(contentsOf: Self.insights)
        spelled.append(contentsOf: type[other.count...])
        spelled.withUnsafeBytes { vocabulary.describe($0, preferring: fallback(for: type).rawValue, in: &draft) }
    }

    private static let insights = Array("video.mediaAI.".utf8)
    private static let otherInsights = Array("video.media.ai.".utf8)

    private func fallback(for type: UnsafeRawBufferPointer) -> Fallback {
        guard let object = vocabulary.reader.string(objectTypeSlot) else {
            if type.starts(with: "video.live_stream.".utf8) { return .streams }
            return type.starts(with: "video.media".utf8) ? .assets : .objects
        }
        if object.elementsEqual("live".utf8) || object.elementsEqual("live-stream".utf8) { return .streams }
        return object.elementsEqual("media".utf8) ? .assets : .objects
    }
}
