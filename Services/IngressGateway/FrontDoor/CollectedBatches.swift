import HTTPFront
import NIOCore
import WebhookIntake
import Wire

/// What the connections of one event loop accept for one router in one turn: it goes to the journal together.
struct CollectedBatches {
    private var batches: [PendingBatch] = []
    private var writer = ByteWriter()
    /// Where each envelope in `writer` ends.
    private var ends: [Int] = []
    private var tokens: [ReplyToken] = []
    /// The next one will hardly be longer.
    private var lastBatchBytes = 0

    /// Adds a request; false, and nothing is added, where it is a probe of its provider.
    mutating func append(_ request: AcceptedRequest, _ token: ReplyToken, _ builder: EnvelopeBuilder) -> Bool {
        let estimate =
            request.facts.fieldsBytes + request.head.targetBytes + (request.body?.readableBytes ?? 0) + 256
        if !tokens.isEmpty, writer.count + estimate > Limits.batchBytes || tokens.count >= Limits.batchRecords {
            closeBatch()
        }
        let start = writer.count
        if tokens.isEmpty { writer = ByteWriter(reservingBytes: max(estimate, lastBatchBytes)) }
        let parts = builder.append(request, to: &writer)
        if let check = request.target.source.isProbe, isProbe(parts, check) {
            writer.bytes.removeSubrange(start...)
            return false
        }
        tokens.append(token)
        ends.append(writer.count)
        return true
    }

    /// Takes all of it out.
    mutating func take() -> [PendingBatch] {
        if !tokens.isEmpty { closeBatch() }
        defer { batches = [] }
        return batches
    }

    private func isProbe(_ parts: EnvelopeBuilder.Parts, _ check: ProbeCheck) -> Bool {
        writer.bytes.withUnsafeBytes { bytes in
            check(
                RequestHead(UnsafeRawBufferPointer(rebasing: bytes[parts.head])),
                UnsafeRawBufferPointer(rebasing: bytes[parts.body]))
        }
    }

    private mutating func closeBatch() {
        lastBatchBytes = writer.count
        batches.append(PendingBatch(RecordBatch(written: writer.bytes, ends: ends), tokens: tokens))
        writer = ByteWriter()
        ends = []
        tokens = []
    }
}
