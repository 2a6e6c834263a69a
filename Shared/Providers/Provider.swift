package import Events
package import Wire

/// All that is known of one provider: its manners at the front door, its signature, its vocabulary.
///
/// A provider itself has no state. The verifier and normaliser that it makes are reusable work benches (parsers,
/// keyed MACs, scratch memory): one per thread, not shared between threads.
package protocol Provider: Sendable {
    /// The word in the configuration, in the `provider` attribute and in metrics.
    static var name: String { get }

    /// Whether a request is the provider's reachability probe, which is answered 200 and is no webhook. Runs in the
    /// ingress; needs no secret.
    static func isProbe(head: RequestHead, body: UnsafeRawBufferPointer) -> Bool

    /// Makes keys of a source's configured secrets, or says what is wrong with them.
    static func makeKeys(_ secrets: [SourceSecret]) throws(SourceKeyError) -> SourceKeys

    /// Makes a verifier for one source.
    static func makeVerifier(keys: SourceKeys, inflater: Inflater) -> any WebhookVerifier

    /// Makes a normaliser; it serves every source of this provider.
    static func makeNormaliser() -> any WebhookNormaliser

    /// The header fields with which the provider would sign `body`; for sample senders and tests.
    static func signedFields(for body: [UInt8], key: SourceKey, webhookID: String) -> [(name: String, value: String)]
}

/// Proves where webhooks of one source come from. Belongs to one thread.
package protocol WebhookVerifier: AnyObject {
    /// On success appends the `verification` section and, where the body was compressed, `inflatedBody`; on refusal
    /// appends nothing.
    func verify(_ webhook: AcceptedWebhook, into writer: inout ByteWriter) -> VerificationOutcome
}

/// Turns webhooks of one provider into canonical events. Belongs to one thread.
package protocol WebhookNormaliser: AnyObject {
    /// Appends the `events` section, or appends nothing and says why the webhook is refused. Webhooks that announce
    /// nothing (a signed probe) give a section with no events.
    func normalise(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> Rejection?
}
