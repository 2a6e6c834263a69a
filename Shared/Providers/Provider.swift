package import JSON
package import VerificationSchemes
package import Wire

/// All that is known of one provider, as data: its manners at the front door, its signature, its vocabulary. What carries
/// it out is elsewhere, so that whoever only asks links no code for it: `SourceVerifier` in Verification, and
/// `makeNormaliser` in Normalisation.
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

    /// The path behind `/in/{source}` that its clients call, where it is not the source itself.
    static var endpoint: ProviderEndpoint? { get }

    /// What its payloads are like, and so what turns them into events.
    static var payload: PayloadForm { get }

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

    package static var endpoint: ProviderEndpoint? { nil }

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

/// What the payloads of a provider are like.
package enum PayloadForm: Sendable {
    /// One JSON object, one event.
    case object(ObjectMapping)
    /// JSON or a form, through which JSON Pointers lead; those of a source's configuration come first. `idField`: the
    /// field of the head that names the event.
    case pointers(PointerMapping, idField: StaticString? = nil)
    /// What takes code of its own: a normaliser in `Normalisation`, with a line in `ownNormalisers`.
    case own
}
