package import Wire

/// How a webhook proved where it comes from: `u8 length` and scheme, `u8 length` and key id.
package struct Verification: Equatable, Sendable {
    /// The scheme that was applied, such as `stream` or `fastpix`; `none` for sources that asked for no check.
    package var scheme: String
    /// The configured id of the key that matched, or its index; never the key.
    package var keyID: String

    package init(scheme: String, keyID: String) {
        self.scheme = scheme
        self.keyID = keyID
    }

    package init(section: UnsafeRawBufferPointer) throws(WireError) {
        var reader = ByteReader(section)
        scheme = try reader.text8()
        keyID = try reader.text8()
    }

    package func write(to writer: inout ByteWriter) {
        writer.section(.verification) { section in
            section.text8(scheme)
            section.text8(keyID)
        }
    }
}

/// What a webhook taken out of quarantine replays: the journal id and sequence of the record, and, where single elements
/// were refused, their indices.
///
/// Section layout: journal id, `u64 sequence`, then optionally `u32 count` and so many `u32 element`.
package struct ReplayOrigin {
    /// The journal entry in which the webhook came in first; nil where the section is malformed.
    package let entry: (journal: JournalID, sequence: UInt64)?
    private let elements: UnsafeRawBufferPointer

    /// Malformed content reads as a replay of the whole webhook.
    package init(section: UnsafeRawBufferPointer) {
        var reader = ByteReader(section)
        if let journal = try? reader.journalID(), let sequence = try? reader.u64() {
            entry = (journal, sequence)
        } else {
            entry = nil
        }
        guard entry != nil, let count = try? reader.u32(), let bytes = try? reader.bytes(4 * Int(count)) else {
            elements = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        elements = bytes
    }

    /// The elements that are meant, in the order of the section; none where the whole webhook is.
    package var list: [UInt32] {
        stride(from: 0, to: elements.count, by: 4).map { offset in
            UInt32(littleEndian: elements.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
    }

    /// Whether the element is meant: all are where none is named.
    package func includes(_ element: UInt32) -> Bool {
        if elements.isEmpty { return true }
        return stride(from: 0, to: elements.count, by: 4).contains { offset in
            UInt32(littleEndian: elements.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) == element
        }
    }

    package static func write(
        journal: JournalID, sequence: UInt64, elements: [UInt32], to writer: inout ByteWriter
    ) {
        writer.section(.replayOf) { section in
            section.journalID(journal)
            section.u64(sequence)
            guard !elements.isEmpty else { return }
            section.u32(UInt32(elements.count))
            for element in elements { section.u32(element) }
        }
    }
}

/// A webhook whose origin was proved: step 4 of the way. It can be had only from an accepted webhook together with a
/// verification, so nothing unverified reaches the normaliser.
///
/// Next: `CanonicalEvent.swift`.
package struct VerifiedWebhook {
    package let accepted: AcceptedWebhook
    /// The body without transport compression.
    package let body: UnsafeRawBufferPointer
    /// Which section `body` is: `.body` or `.inflatedBody`.
    package let bodySection: SectionTag

    /// The sender's trace context, where it sent a valid one.
    package let trace: UnsafeRawBufferPointer?

    /// Which elements of a batch are wanted; nil: all.
    package let replayed: ReplayOrigin?

    /// The journal entry that names the webhook: of a replay the one in which it came in first, so that ids made of it
    /// stay the same.
    package var entry: (journal: JournalID, sequence: UInt64) {
        replayed?.entry ?? (accepted.envelope.journal, accepted.envelope.sequence)
    }

    /// What the normaliser takes up: nil where the verifier has left no verification, or a rejection.
    package init?(_ envelope: EnvelopeView) {
        guard let accepted = AcceptedWebhook(envelope), envelope.section(.rejection) == nil,
            envelope.section(.verification) != nil
        else { return nil }
        self.accepted = accepted
        trace = envelope.section(.traceContext).flatMap { TraceContext.isValid($0) ? $0 : nil }
        replayed = envelope.section(.replayOf).map { ReplayOrigin(section: $0) }
        if let inflated = envelope.section(.inflatedBody) {
            body = inflated
            bodySection = .inflatedBody
        } else {
            body = accepted.body
            bodySection = .body
        }
    }
}
