import Events
import JSON
import Primitives
import Providers
import SimdJSON
import Wire

/// Maps Fishjam's webhooks: one `ServerMessage`, one event; a `notification_batch`, one event for each notification in
/// it, in order.
///
/// * id: generated, and nothing is recognised by its content: a peer that connects twice sends the same bytes twice.
/// * time: received-at.
/// * subject: by `FishjamTypes`; it ends before the first value that is empty.
/// * partition key: the subject's first value; for metrics the source's name.
/// * data: the proto3 JSON of the notification. Fields that this build does not know are not in it.
/// * original: the bytes of the notification.
/// * hidden: `FishjamProvider.credentials`, wherever they stand, in both.
///
/// Refused are bodies that are no `ServerMessage`, empty ones (a `ServerMessage` that says nothing), and those of more
/// notifications, or deeper batches, than `FishjamNotification` lets in. Variants of later versions than this build knows, and
/// what belongs to the WebSocket's handshake, are `provider.unmapped`.
final class FishjamNormaliser: WebhookNormaliser {
    /// A line of `FishjamTypes`, its subject cut into pieces.
    private struct Line {
        let providerType: [UInt8]
        let canonicalType: [UInt8]
        /// Text, and where the value behind it stands. A subject without values is one text.
        let pieces: [(text: [UInt8], path: [String])]
        let isKeyedBySource: Bool

        init(_ type: MappedType) {
            providerType = Array(type.providerType.utf8)
            canonicalType = Array((MappedType.prefix + type.canonicalType).utf8)
            pieces = type.subject.split(separator: "}").map { piece in
                let parts = piece.split(separator: "{")
                return (Array(parts[0].utf8), parts.dropFirst().flatMap { $0.split(separator: ".").map(String.init) })
            }
            isKeyedBySource = type.partitionKey == "source"
        }

        /// How many values of the subject a notification has.
        func reach(_ notification: FishjamNotification) -> Int {
            pieces.prefix { notification.text($0.path)?.isEmpty == false }.count
        }
    }

    private static let contentType: StaticString = "application/x-protobuf"
    /// Memory for JSON beyond this, grown for one large notification, is given back.
    private static let keptBytes = 256 * 1024

    /// The lines of every variant, by its number.
    private let lines = FishjamSchema.variants.map { variant in
        let lines = FishjamTypes.all.filter { $0.providerType == variant.name }
        return (lines.isEmpty ? [MappedType(variant.name, MappedType.unmapped, "", by: "")] : lines).map(Line.init)
    }
    private let unknown = Line(MappedType("", MappedType.unmapped, "", by: ""))
    private let unknownRecording = Line(FishjamTypes.recording(MappedType.unmapped))
    private var draft = EventDraft()
    private var json: [UInt8] = []

    func normalise(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> StageOutcome {
        if webhook.accepted.head.value(RequestHead.gap) != nil { return writeGap(webhook, into: &writer) }
        guard !webhook.body.isEmpty else { return refuse(.typeMissing, "the body is empty, so it names no variant") }
        do throws(FishjamNotification.Failure) {
            return write(try FishjamNotification(webhook.body), of: webhook, into: &writer)
        } catch {
            return switch error {
            case .tooManyNotifications:
                refuse(
                    .tooManyElements, "the batch has more than \(FishjamNotification.mostNotifications) notifications")
            case .batchesTooDeep:
                refuse(.bodyTooDeep, "batches lie more than \(FishjamNotification.mostBatches) deep in one another")
            case .malformed:
                refuse(.bodyNotProtobuf, "the body is not a ServerMessage of Fishjam's in protobuf")
            }
        }
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
        _ message: FishjamNotification, of webhook: VerifiedWebhook, into writer: inout ByteWriter
    ) -> StageOutcome {
        let start = writer.count
        var events = draft.openEvents(of: webhook, in: &writer)
        if let notifications = message.notifications {
            for (element, notification) in notifications.enumerated() {
                guard webhook.replayed?.includes(UInt32(element)) ?? true else { continue }
                write(notification, UInt32(element), of: webhook, &events, &writer)
            }
        } else {
            write(message, 0, of: webhook, &events, &writer)
        }
        events.finish(in: &writer)
        // A control character is one byte in protobuf and six in JSON.
        return CanonicalEventsWriter.bounded(webhook, from: start, &writer)
    }

    private func write(
        _ notification: FishjamNotification, _ element: UInt32, of webhook: VerifiedWebhook,
        _ events: inout CanonicalEventsWriter, _ writer: inout ByteWriter
    ) {
        json.removeAll(keepingCapacity: json.capacity <= Self.keptBytes)
        notification.write(to: &json)
        describe(notification, sourceName: webhook.accepted.envelope.sourceBytes)
        func write(original: UnsafeRawBufferPointer) {
            json.withUnsafeBytes {
                draft.writeElement(
                    element, of: webhook, provider: FishjamProvider.attribute, payload: $0,
                    original: OriginalBytes(contentType: Self.contentType, bytes: original), &events, &writer)
            }
        }
        if notification.holdsCredential {
            notification.bytesWithoutCredentials.withUnsafeBytes { write(original: $0) }
        } else {
            write(original: notification.bytes)
        }
    }

    /// Fills the draft's types, subject and partition key.
    private func describe(_ notification: FishjamNotification, sourceName: UnsafeRawBufferPointer) {
        draft.reset()
        let line = line(of: notification)
        draft.type.append(contentsOf: line.canonicalType)
        draft.providerType.append(contentsOf: line.providerType)
        if notification.variant == nil { appendUnknownVariant(of: notification) }
        if line.isKeyedBySource { AttributeText.append(sourceName, to: &draft.partitionKey) }
        for (index, piece) in line.pieces.enumerated() {
            if piece.path.isEmpty { return draft.subject.append(contentsOf: piece.text) }
            guard let value = notification.text(piece.path), (1...JSONReader.identifierBytes).contains(value.count)
            else { return }
            if index == 0 { AttributeText.append(value, to: &draft.partitionKey) }
            draft.subject.append(contentsOf: piece.text)
            AttributeText.append(value, to: &draft.subject)
        }
    }

    /// What a notification means: its variant, told apart further by a recording's status, or by whose a track is.
    private func line(of notification: FishjamNotification) -> Line {
        guard let variant = notification.variant?.number else { return unknown }
        let lines = lines[variant - 1]
        if variant == FishjamSchema.recordingStatusChanged {
            let status = Int(notification.status ?? 0) - 1
            return lines.indices.contains(status) ? lines[status] : unknownRecording
        }
        return lines.dropFirst().reduce(lines[0]) { $1.reach(notification) > $0.reach(notification) ? $1 : $0 }
    }

    /// A variant of a later version is called by its number, `field_35`; nothing is called anything where there is no
    /// variant at all.
    private func appendUnknownVariant(of notification: FishjamNotification) {
        let number = ProtobufFields(notification.bytes).first { $0.content != nil }?.number
        if let number { draft.providerType.append(contentsOf: "field_\(number)".utf8) }
    }
}
