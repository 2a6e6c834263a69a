import Events
import LibCrypto
import Providers
import SimdJSON
import Wire

/// Maps SuperViz's webhooks: one object, one event; an array, one event for each element, in order.
///
/// * Elements with `event` are Real-time events: `custom.event`, about `rooms/{roomId}/channels/{channel}`, or
///   `channels/{channel}` in the older shape without `roomId`, kept in order by room and channel.
/// * Elements with `type` are the other webhooks. Types that are not known (recordings, transcriptions) are
///   `provider.unmapped`.
/// * id: `id` of the other webhooks. Real-time events have none: it is `sha256:` and the SHA-256 of the element's
///   canonical form (RFC 8785, but numbers keep their exact value) as received, `apiKey` included, never of its place
///   in the batch. What SuperViz sends again is thus recognised, and so are equal elements of one batch: the router keeps the first. Where equal events
///   are legitimate, `MappingOptions.idsFromContent` is switched off and ids are generated per element.
/// * time: `date`, where it is RFC 3339.
/// * hidden: `SuperVizProvider.credentials`.
/// * An element that is no object, or says neither `event` nor `type`, is refused alone; the others go on.
final class SuperVizNormaliser: WebhookNormaliser {
    /// Where each field lies in the reader's list.
    private enum Field: Int, CaseIterable {
        case event, type, roomID, channel, date, id, message, listedMeetingID, meetingID

        var path: String {
            switch self {
            case .roomID: "roomId"
            case .listedMeetingID: "/message/0/meetingId"
            case .meetingID: "/message/meetingId"
            case .event, .type, .channel, .date, .id, .message: "\(self)"
            }
        }
    }

    /// The canonical types with their prefix.
    private struct Names {
        let custom = canonical(SuperVizTypes.realTime)
        let meetingStatistics = canonical(SuperVizTypes.meetingStatistics)
        let mentionCreated = canonical(SuperVizTypes.mentionCreated)
        let mentionDeleted = canonical(SuperVizTypes.mentionDeleted)
        let unmapped = Array((MappedType.prefix + MappedType.unmapped).utf8)

        private static func canonical(_ type: MappedType) -> [UInt8] {
            Array((MappedType.prefix + type.canonicalType).utf8)
        }
    }

    private let reader = JSONReader(fields: Field.allCases.map(\.path), credentials: SuperVizProvider.credentials)
    /// Reads a `message` that is itself a JSON text.
    private let nestedReader = JSONReader(fields: ["/0/meetingId", "/meetingId"], redactions: [])
    private let names = Names()
    private let digest = ContentDigest()
    private let idsFromContent: Bool
    private var draft = EventDraft()

    init(_ options: MappingOptions) {
        idsFromContent = options.idsFromContent
    }

    func normalise(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> StageOutcome {
        let count: Int
        switch reader.readElements(webhook.body, at: nil) {
        case .found(let found): count = found
        case .refused(let code): return .refused(.normaliser(code))
        }
        guard reader.isBatch else { return normaliseSingle(webhook, into: &writer) }
        guard count <= CanonicalEventsWriter.mostElements else { return .refused(.normaliser(.tooManyElements)) }
        let start = writer.count
        var events = draft.openEvents(of: webhook, in: &writer)
        return events.finishBatch(of: count, for: webhook, from: start, in: &writer) { element, events, writer in
            if let code = reader.select(Int(element)) ?? describe() { return rejection(code, element) }
            draft.writeElement(
                element, of: webhook, provider: SuperVizProvider.attribute, reader: reader, &events, &writer)
            return nil
        }
    }

    private func normaliseSingle(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> StageOutcome {
        if let code = reader.select(0) ?? describe() { return .refused(rejection(code, Rejection.wholeWebhook)) }
        draft.write(for: webhook, provider: SuperVizProvider.attribute, reader: reader, into: &writer)
        return .passed
    }

    private func rejection(_ code: RejectionCode, _ element: UInt32) -> Rejection {
        guard code == .typeMissing else { return .normaliser(code, element: element) }
        let detail = "neither `event` nor `type` is a non-empty string"
        return Rejection(code, stage: .normaliser, element: element, detail: detail)
    }

    /// Fills the draft from the element selected last; returns why it is refused, or nil.
    private func describe() -> RejectionCode? {
        draft.reset()
        if let event = string(.event) {
            describeRealTime(event)
        } else if let type = string(.type) {
            describe(type)
        } else {
            return .typeMissing
        }
        if let date = reader.string(Field.date.rawValue) { _ = EventTime.append(text: date, to: &draft.time) }
        if draft.id.isEmpty, idsFromContent { digest.appendID(of: reader.canonical(exactNumbers: true), to: &draft.id) }
        return nil
    }

    private func describeRealTime(_ event: UnsafeRawBufferPointer) {
        draft.type.append(contentsOf: names.custom)
        AttributeText.append(event, to: &draft.providerType)
        if let room = identifier(.roomID) {
            draft.subject.append(contentsOf: "rooms/".utf8)
            AttributeText.append(room, to: &draft.subject)
            AttributeText.append(room, to: &draft.partitionKey)
        }
        guard let channel = identifier(.channel) else { return }
        if !draft.subject.isEmpty {
            draft.subject.append(UInt8(ascii: "/"))
            draft.partitionKey.append(UInt8(ascii: "/"))
        }
        draft.subject.append(contentsOf: "channels/".utf8)
        AttributeText.append(channel, to: &draft.subject)
        AttributeText.append(channel, to: &draft.partitionKey)
    }

    private func describe(_ type: UnsafeRawBufferPointer) {
        AttributeText.append(type, to: &draft.providerType)
        if let id = identifier(.id) { AttributeText.append(id, to: &draft.id) }
        if type.elementsEqual("MEETING_STATS".utf8) {
            draft.type.append(contentsOf: names.meetingStatistics)
            appendSubject("meetings/", meetingID())
        } else if type.elementsEqual("CREATE_MENTION".utf8) {
            draft.type.append(contentsOf: names.mentionCreated)
            appendSubject("mentions/", identifier(.id))
        } else if type.elementsEqual("DELETE_MENTION".utf8) {
            draft.type.append(contentsOf: names.mentionDeleted)
            appendSubject("mentions/", identifier(.id))
        } else {
            draft.type.append(contentsOf: names.unmapped)
        }
    }

    /// The meeting in `message`, which is a list of meetings, one meeting, or either of them as JSON in a string.
    private func meetingID() -> UnsafeRawBufferPointer? {
        if let known = identifier(.listedMeetingID) ?? identifier(.meetingID) { return known }
        guard let message = string(.message), nestedReader.readValue(message) == nil else { return nil }
        return nestedReader.identifier(0) ?? nestedReader.identifier(1)
    }

    private func appendSubject(_ kind: StaticString, _ id: UnsafeRawBufferPointer?) {
        guard let id else { return }
        draft.subject.append(contentsOf: kind.bytes)
        AttributeText.append(id, to: &draft.subject)
        AttributeText.append(id, to: &draft.partitionKey)
    }

    private func string(_ field: Field) -> UnsafeRawBufferPointer? {
        reader.string(field.rawValue).flatMap { $0.isEmpty ? nil : $0 }
    }

    private func identifier(_ field: Field) -> UnsafeRawBufferPointer? {
        reader.identifier(field.rawValue)
    }
}
