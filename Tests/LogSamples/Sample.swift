package import EventLog
import Events
package import Wire

/// Makes envelopes with canonical events, the way the stages do.
package enum Sample {
    /// One envelope without its length prefix.
    package static func envelope(
        source: String = "stream", journal: JournalID = JournalID(high: 1, low: 2), sequence: UInt64, ids: [String],
        type: String = "dev.tributary.participant.joined", subject: String = "calls/default:1",
        receivedAt: Int64 = 1_790_000_000_000_000_000, payload: String = "{\"a\":1}",
        original: [UInt8]? = nil, attributes: [(name: StaticString, value: String)] = [], signedContent: [UInt8]? = nil
    ) -> [UInt8] {
        var writer = ByteWriter()
        var source = source
        source.withUTF8 { name in
            writer.openEnvelope(source: UnsafeRawBufferPointer(name), receivedAtNanoseconds: receivedAt) { writer in
                writer.section(.requestHead) { $0.u16(0) }
                writer.section(.body) { $0.raw(Array(payload.utf8)) }
            }
        }
        let length = writer.count
        writer.bytes.withUnsafeMutableBytes { bytes in
            EnvelopePatch.seal(
                UnsafeMutableRawBufferPointer(rebasing: bytes[4..<length]), journal: journal, sequence: sequence)
        }
        Verification(scheme: "stream", keyID: "k").write(to: &writer)
        if let signedContent { writer.section(.signedContent) { $0.raw(signedContent) } }
        StageStamp(
            stage: .verifier, instance: "verifier-0", startedNanoseconds: receivedAt,
            finishedNanoseconds: receivedAt + 5
        )
        .write(to: &writer)
        var bytes = Array(writer.bytes[4...])
        let copy = bytes
        copy.withUnsafeBytes { raw in
            guard let view = try? EnvelopeView(raw), let webhook = VerifiedWebhook(view) else { return }
            var appended = ByteWriter()
            var events = CanonicalEventsWriter(for: webhook, in: &appended)
            for (index, id) in ids.enumerated() {
                events.open(element: UInt32(index), in: &appended)
                events.attribute("id", id, in: &appended)
                events.attribute("source", "/sources/\(source)", in: &appended)
                events.attribute("type", type, in: &appended)
                events.attribute("subject", subject, in: &appended)
                if !attributes.contains(where: { "\($0.name)" == "datacontenttype" }) {
                    events.attribute("datacontenttype", "application/json", in: &appended)
                }
                for (name, value) in attributes { events.attribute(name, value, in: &appended) }
                close(&events, payload: payload, original: original, in: &appended)
            }
            events.finish(in: &appended)
            bytes += appended.bytes
        }
        return bytes
    }

    private static func close(
        _ events: inout CanonicalEventsWriter, payload: String, original: [UInt8]?, in writer: inout ByteWriter
    ) {
        guard let original else { return events.close(.section(.body), in: &writer) }
        Array(payload.utf8).withUnsafeBytes { payload in
            original.withUnsafeBytes { bytes in
                events.close(
                    .inline(payload), original: OriginalBytes(contentType: "application/x-protobuf", bytes: bytes),
                    in: &writer)
            }
        }
    }

    /// Admits all events of an envelope; returns how many were new.
    package static func admit(_ envelope: [UInt8], _ log: any EventLog, _ transaction: inout LogTransaction) throws
        -> Int
    {
        var admitted = 0
        var failure: (any Error)?
        try envelope.withUnsafeBytes { bytes in
            let view = try EnvelopeView(bytes)
            try view.forEachEvent { event in
                do {
                    if try log.admit(event, of: view, to: &transaction) == .taken { admitted += 1 }
                } catch {
                    failure = error
                }
            }
            transaction.watermarks[view.journal] = view.sequence
        }
        if let failure { throw failure }
        return admitted
    }

    /// A refused webhook with a body of so many bytes: forged, or refused by the normaliser.
    package static func quarantined(
        _ source: String, _ sequence: UInt64, bytes: Int = 10, isVerified: Bool = false, elements: [UInt32] = [],
        code: String? = nil, receivedAt: Int64 = 1, quarantinedAt: Int64 = 2
    ) -> QuarantinedWebhook {
        QuarantinedWebhook(
            source: source, code: code ?? (isVerified ? "body_not_json" : "signature_mismatch"),
            stage: isVerified ? "normaliser" : "verifier", isVerified: isVerified, elements: elements, detail: "d",
            journal: JournalID(high: 1, low: 2), sequence: sequence, receivedAtNanoseconds: receivedAt,
            quarantinedAtNanoseconds: quarantinedAt, head: [], body: [UInt8](repeating: 1, count: bytes))
    }
}
