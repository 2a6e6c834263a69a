package import Events
import Gzip
import Primitives
import SimdJSON
import Wire

/// Takes webhooks of Stream's out of what its SQS and SNS hooks send: the same JSON as over HTTP, as it is, or as
/// base64 of it, compressed with gzip or not; SNS wraps an envelope around it unless raw delivery is on (getstream
/// 7.0.0, `parse_sqs` and `parse_sns`). Nothing in it is signed: who may write to the queue is AWS's business.
///
/// One per thread; its memory is used again.
package final class StreamTransport {
    /// What a notification holds. Bytes are valid inside `read` alone.
    package enum Content {
        /// The body of a webhook, not yet checked to be JSON, and SNS' id for it, the same over its retries. Without an
        /// envelope the id is the queue's.
        case webhook(UnsafeRawBufferPointer, id: UnsafeRawBufferPointer?)
        /// SNS asks to confirm that the subscription begins or ends; there is no webhook in it.
        case confirmation
        case refused(RejectionCode)
    }

    private enum Slot: Int, CaseIterable {
        case kind, body, id, eventType

        var field: String {
            switch self {
            case .kind: "Type"
            case .body: "Message"
            case .id: "MessageId"
            case .eventType: "type"
            }
        }
    }

    private let inflater: Inflater
    private let envelope = JSONReader(fields: Slot.allCases.map(\.field), redactions: [])

    /// Bodies that inflate to more than `maxBodyBytes` are refused.
    package init(maxBodyBytes: Int) {
        inflater = Inflater(maxInflatedBytes: maxBodyBytes)
    }

    /// Lends what is in the body of one SQS or SNS notification.
    package func read<Result>(_ notification: UnsafeRawBufferPointer, _ use: (Content) -> Result) -> Result {
        // A webhook of its own has `type`, so a text that has one is no envelope whatever else it has.
        guard envelope.read(notification) == nil, envelope.string(Slot.eventType.rawValue) == nil,
            let body = envelope.string(Slot.body.rawValue)
        else { return unwrap(notification, id: nil, use) }
        let kind = envelope.string(Slot.kind.rawValue)
        if let kind,
            kind.elementsEqual("SubscriptionConfirmation".utf8)
                || kind.elementsEqual("UnsubscribeConfirmation".utf8)
        {
            return use(.confirmation)
        }
        return unwrap(body, id: envelope.identifier(Slot.id.rawValue), use)
    }

    /// Takes off base64, where the text is that, then gzip.
    private func unwrap<Result>(
        _ text: UnsafeRawBufferPointer, id: UnsafeRawBufferPointer?, _ use: (Content) -> Result
    ) -> Result {
        guard let decoded = Base64.decode(text) else { return inflate(text, id: id, use) }
        return decoded.withUnsafeBytes { inflate($0, id: id, use) }
    }

    private func inflate<Result>(
        _ bytes: UnsafeRawBufferPointer, id: UnsafeRawBufferPointer?, _ use: (Content) -> Result
    ) -> Result {
        guard Inflater.isCompressed(bytes) else { return use(.webhook(bytes, id: id)) }
        return inflater.inflate(bytes) { outcome in
            switch outcome {
            case .inflated(let body): use(.webhook(body, id: id))
            case .damaged: use(.refused(.bodyNotInflatable))
            case .tooLarge: use(.refused(.bodyTooLargeInflated))
            }
        }
    }
}
