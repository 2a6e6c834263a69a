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

    /// What the normaliser takes up: nil where the verifier has left no verification, or a rejection.
    package init?(_ envelope: EnvelopeView) {
        guard let accepted = AcceptedWebhook(envelope), envelope.section(.rejection) == nil,
            envelope.section(.verification) != nil
        else { return nil }
        self.accepted = accepted
        if let inflated = envelope.section(.inflatedBody) {
            body = inflated
            bodySection = .inflatedBody
        } else {
            body = accepted.body
            bodySection = .body
        }
    }
}
