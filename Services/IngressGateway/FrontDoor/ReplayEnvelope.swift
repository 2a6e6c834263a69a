import Events
import JSON
import Wire

/// A webhook that was accepted before and comes back out of quarantine.
struct ReplayedWebhook {
    var receivedAtNanoseconds: Int64
    var head: [(name: String, value: String)]
    var body: [UInt8]
    /// The journal entry in which it came in first.
    var journal: JournalID
    var sequence: UInt64
    /// The elements that were refused; none: the whole webhook.
    var elements: [UInt32]
}

extension EnvelopeBuilder {
    /// Appends the envelope of a replay, with its original receipt.
    func appendReplay(_ webhook: ReplayedWebhook, source: [UInt8], to writer: inout ByteWriter) {
        source.withUnsafeBytes { source in
            writer.openEnvelope(source: source, receivedAtNanoseconds: webhook.receivedAtNanoseconds) { writer in
                writer.requestHead(webhook.head)
                webhook.body.withUnsafeBytes { writer.section(.body, $0) }
                ReplayOrigin.write(
                    journal: webhook.journal, sequence: webhook.sequence, elements: webhook.elements, to: &writer)
                appendStamp(startedNanoseconds: nil, to: &writer)
            }
        }
    }
}
