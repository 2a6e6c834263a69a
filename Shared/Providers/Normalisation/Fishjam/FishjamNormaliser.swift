import Events
import JSON
import Primitives
import Providers
import SimdJSON
import SwiftProtobuf
import Wire

/// Maps Fishjam's webhooks: one `ServerMessage`, one event; a `notification_batch`, one event for each notification in
/// it, in order.
///
/// * id: generated, and nothing is recognised by its content: a peer that connects twice sends the same bytes twice.
/// * time: received-at.
/// * subject: by `FishjamVariant`; it ends before the first value that is empty.
/// * partition key: the subject's first value; for metrics the source's name.
/// * data: the proto3 JSON of the notification. Fields that this build does not know are not in it.
/// * original: the bytes of the notification.
/// * hidden: `FishjamProvider.credentials`, wherever they stand, in both.
///
/// Refused are bodies that are no `ServerMessage`, empty ones (a `ServerMessage` that says nothing), and those of more
/// notifications, or deeper batches, than `FishjamGate` lets in. Variants of later versions than this build knows, and
/// what belongs to the WebSocket's handshake, are `provider.unmapped`.
final class FishjamNormaliser: WebhookNormaliser {
    /// A subject cut into pieces: text before a value, and what stands before the next.
    private struct Line {
        let providerType: [UInt8]
        let canonicalType: [UInt8]
        /// The text before each value; a subject without values is one text.
        let texts: [[UInt8]]
        let isFixed: Bool

        init(_ type: MappedType) {
            providerType = Array(type.providerType.utf8)
            canonicalType = Array((MappedType.prefix + type.canonicalType).utf8)
            texts = type.subject.split(separator: "{").enumerated().compactMap { index, piece in
                let text =
                    index == 0 ? piece : piece[piece.index(after: piece.firstIndex(of: "}") ?? piece.startIndex)...]
                return text.isEmpty ? nil : Array(text.utf8)
            }
            isFixed = !type.subject.contains("{")
        }
    }

    private let lines = FishjamVariant.allCases.map { Line($0.mapped) }
    private let unknown = Line(MappedType("", MappedType.unmapped, "", by: ""))
    private var options = BinaryDecodingOptions()
    private var draft = EventDraft()
    private var json = FishjamJSON()

    init() {
        // A notification in the deepest batch that the gate lets in, its track, and groups among unknown fields.
        options.messageDepthLimit = 2 * FishjamGate.mostBatches + 8
    }

    func normalise(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> StageOutcome {
        if webhook.accepted.head.value(RequestHead.gap) != nil { return writeGap(webhook, into: &writer) }
        guard !webhook.body.isEmpty else { return refuse(.typeMissing, "the body is empty, so it names no variant") }
        switch FishjamGate.judge(webhook.body) {
        case .fits: break
        case .tooMany:
            return refuse(.tooManyElements, "the batch has more than \(FishjamGate.mostNotifications) notifications")
        case .tooDeep:
            return refuse(.bodyTooDeep, "batches lie more than \(FishjamGate.mostBatches) deep in one another")
        }
        let notification: FishjamServerMessage
        do {
            notification = try FishjamServerMessage(serializedBytes: Array(webhook.body), options: options)
        } catch {
            return refuse(.bodyNotProtobuf, "the body is not a ServerMessage of Fishjam's in protobuf")
        }
        return write(notification, of: webhook, into: &writer)
    }

    /// The connector was not connected for a while; what Fishjam announced meanwhile is lost, because it keeps nothing.
    private func writeGap(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> StageOutcome {
        draft.reset()
        draft.type.append(contentsOf: (MappedType.prefix + FishjamTypes.gap).utf8)
        let name = webhook.accepted.head.value(RequestHead.connector) ?? UnsafeRawBufferPointer(start: nil, count: 0)
        draft.subject.append(contentsOf: "connectors/".utf8)
        AttributeText.append(name, to: &draft.subject)
        AttributeText.append(webhook.accepted.envelope.sourceBytes, to: &draft.partitionKey)
        draft.writeBody(for: webhook, provider: FishjamProvider.attribute, into: &writer)
        return .passed
    }

    private func refuse(_ code: RejectionCode, _ detail: String) -> StageOutcome {
        .refused(Rejection(code, stage: .normaliser, detail: detail))
    }

    private func write(
        _ notification: FishjamServerMessage, of webhook: VerifiedWebhook, into writer: inout ByteWriter
    ) -> StageOutcome {
        let start = writer.count
        var events = draft.openEvents(of: webhook, in: &writer)
        if case .notificationBatch(let batch) = notification.content {
            let bytes = FishjamGate.notifications(in: webhook.body)
            let isWhole = bytes.count == batch.notifications.count
            for (element, notification) in batch.notifications.enumerated() {
                guard webhook.replayed?.includes(UInt32(element)) ?? true else { continue }
                write(notification, isWhole ? bytes[element] : nil, UInt32(element), of: webhook, &events, &writer)
            }
        } else {
            write(notification, webhook.body, 0, of: webhook, &events, &writer)
        }
        events.finish(in: &writer)
        // A control character is one byte in protobuf and six in JSON.
        return CanonicalEventsWriter.bounded(webhook, from: start, &writer)
    }

    /// Writes one event. Its original is `bytes`, or, where these may hold a token or are not known, encoded anew.
    private func write(
        _ notification: FishjamServerMessage, _ bytes: UnsafeRawBufferPointer?, _ element: UInt32,
        of webhook: VerifiedWebhook, _ events: inout CanonicalEventsWriter, _ writer: inout ByteWriter
    ) {
        json.write(notification)
        describe(notification, sourceName: webhook.accepted.envelope.sourceBytes)
        if let bytes, !FishjamGate.mayHoldToken(bytes) {
            write(element, OriginalBytes(contentType: Self.contentType, bytes: bytes), of: webhook, &events, &writer)
        } else {
            let encoded: [UInt8] = (try? notification.withoutTokens.serializedBytes()) ?? []
            encoded.withUnsafeBytes { bytes in
                write(
                    element, OriginalBytes(contentType: Self.contentType, bytes: bytes), of: webhook, &events, &writer)
            }
        }
    }

    private func write(
        _ element: UInt32, _ original: OriginalBytes, of webhook: VerifiedWebhook,
        _ events: inout CanonicalEventsWriter, _ writer: inout ByteWriter
    ) {
        json.text.bytes.withUnsafeBytes {
            draft.writeElement(
                element, of: webhook, provider: FishjamProvider.attribute, payload: $0, original: original, &events,
                &writer)
        }
    }

    private static let contentType: StaticString = "application/x-protobuf"

    /// Fills the draft's types, subject and partition key.
    private func describe(_ notification: FishjamServerMessage, sourceName: UnsafeRawBufferPointer) {
        draft.reset()
        guard let meaning = notification.meaning else {
            draft.type.append(contentsOf: unknown.canonicalType)
            appendUnknownVariant(of: notification)
            return
        }
        let line = lines[meaning.variant.rawValue]
        draft.type.append(contentsOf: line.canonicalType)
        draft.providerType.append(contentsOf: line.providerType)
        if line.isFixed {
            if let text = line.texts.first { draft.subject.append(contentsOf: text) }
            if meaning.variant == .metricsReport { AttributeText.append(sourceName, to: &draft.partitionKey) }
            return
        }
        append(meaning.first, to: &draft.partitionKey)
        for (index, text) in line.texts.enumerated() {
            let value = index == 0 ? meaning.first : index == 1 ? meaning.second : meaning.third
            guard (1...JSONReader.identifierBytes).contains(value.utf8.count) else { return }
            draft.subject.append(contentsOf: text)
            append(value, to: &draft.subject)
        }
    }

    private func append(_ value: String, to bytes: inout [UInt8]) {
        guard value.utf8.count <= JSONReader.identifierBytes else { return }
        var value = value
        value.withUTF8 { AttributeText.append(UnsafeRawBufferPointer($0), to: &bytes) }
    }

    /// A variant of a later version is called by its number, `field_35`; nothing is called anything where there is no
    /// variant at all.
    private func appendUnknownVariant(of notification: FishjamServerMessage) {
        guard let bytes: [UInt8] = try? notification.serializedBytes() else { return }
        let number = bytes.withUnsafeBytes { ProtobufFields($0).first { $0.content != nil }?.number }
        if let number { draft.providerType.append(contentsOf: "field_\(number)".utf8) }
    }
}
