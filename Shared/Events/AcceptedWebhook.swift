package import Wire

/// A webhook as the ingress took it in: step 1 of the way. A view; it must not outlive the envelope's bytes.
///
/// Next: `VerifiedWebhook.swift`.
package struct AcceptedWebhook {
    package let envelope: EnvelopeView
    package let head: RequestHead
    /// The body as received, possibly compressed.
    package let body: UnsafeRawBufferPointer

    /// Reads what the ingress wrote; nil when the envelope has no request head or no body.
    package init?(_ envelope: EnvelopeView) {
        guard let head = envelope.section(.requestHead), let body = envelope.section(.body) else { return nil }
        self.envelope = envelope
        self.head = RequestHead(head)
        self.body = body
    }

    /// When the ingress took the request in: nanoseconds since 1970. The only clock that stages judge against.
    package var receivedAtNanoseconds: Int64 { envelope.receivedAtNanoseconds }
    /// The source's name in the configuration.
    package var source: String { envelope.source }
}
