package import Events
package import Wire

/// All that is known of one provider: its manners at the front door, its signature, its vocabulary.
///
/// A provider itself has no state. The normalisers that it makes are reusable work benches (parsers, scratch memory):
/// one per thread, not shared between threads. Its verification is data; `SourceVerifier` carries it out.
package protocol Provider: Sendable {
    /// The word in the configuration.
    static var name: String { get }

    /// The word in the `provider` attribute of its events and in metrics.
    static var attribute: StaticString { get }

    /// How its webhooks prove where they come from.
    static var signing: Signing { get }

    /// Whether a request is the provider's reachability probe, which is answered 200 and is no webhook. Runs in the
    /// ingress; needs no secret.
    static func isProbe(head: RequestHead, body: UnsafeRawBufferPointer) -> Bool

    /// Whether it sends forms besides JSON. What others label as a form is JSON with a wrong label.
    static var sendsForms: Bool { get }

    /// Where its payloads carry credentials, which its normaliser hides.
    static var credentials: Credentials { get }

    /// What it takes as success, where that is not 202 with any JSON; a source may say otherwise.
    static var answer: SuccessAnswer? { get }

    /// Makes a normaliser for the sources that have these options.
    static func makeNormaliser(_ options: MappingOptions) -> any WebhookNormaliser

    /// What its events are called here and what they are about, type by type. The generated documentation reads it.
    static var types: [MappedType] { get }

    /// Where ids come from, unless a type says otherwise; a few words of Markdown for the documentation.
    static var idSource: String { get }

    /// Where times come from, unless a type says otherwise; a few words of Markdown for the documentation.
    static var timeSource: String { get }
}

extension Provider {
    /// The words for an id that the gateway makes: the same on every resend.
    package static var generatedID: String { "generated (UUIDv7)" }
    /// The words for the ingress' clock.
    package static var receivedAt: String { "received-at" }

    package static var sendsForms: Bool { false }
    package static var credentials: Credentials { Credentials() }
    package static var types: [MappedType] { [] }
    package static var idSource: String { generatedID }
    package static var timeSource: String { receivedAt }

    package static var answer: SuccessAnswer? { nil }

    package static func isProbe(head: RequestHead, body: UnsafeRawBufferPointer) -> Bool { false }
}

/// Whether a provider signs its webhooks.
package enum Signing: Sendable {
    /// It signs every webhook: a source needs secrets, unless its configuration names another verification.
    case always(VerificationScheme)
    /// It signs where this is switched on: the scheme is applied to sources that have secrets.
    case optional(VerificationScheme)
    /// It signs nothing: the configuration must ask for a path token, another verification, or `none` in so many words.
    case never
}

/// Turns webhooks of one provider into canonical events. Belongs to one thread.
package protocol WebhookNormaliser: AnyObject {
    /// Appends the `events` section, or appends nothing and says why the webhook is refused. Elements of a batch that are
    /// refused alone have no event in it. Webhooks that announce nothing (a signed probe) give a section with no events.
    func normalise(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> StageOutcome
}
