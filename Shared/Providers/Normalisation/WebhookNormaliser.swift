package import Events
package import Providers
package import Wire

/// Turns webhooks of one provider into canonical events. Belongs to one thread.
package protocol WebhookNormaliser: AnyObject {
    /// Appends the `events` section, or appends nothing and says why the webhook is refused. Elements of a batch that are
    /// refused alone have no event in it. Webhooks that announce nothing (a signed probe) give a section with no events.
    func normalise(_ webhook: VerifiedWebhook, into writer: inout ByteWriter) -> StageOutcome
}

/// The normalisers of providers whose payloads no mapping describes: one line each.
private let ownNormalisers: [String: @Sendable (MappingOptions) -> any WebhookNormaliser] = [
    StreamCallsProvider.name: { _ in StreamCallsNormaliser() },
    CloudEventsProvider.name: { _ in CloudEventsNormaliser() },
    FastPixProvider.name: { _ in FastPixNormaliser() },
    SuperVizProvider.name: { SuperVizNormaliser($0) },
    FishjamProvider.name: { _ in FishjamNormaliser() },
]

extension Provider {
    /// Makes a normaliser for the sources that have these options: parsers and scratch memory to be used again and again
    /// by one thread.
    package static func makeNormaliser(_ options: MappingOptions) -> any WebhookNormaliser {
        switch payload {
        case .object(let mapping): return ObjectNormaliser(mapping, credentials)
        case .pointers(let mapping, let idField):
            return PointerNormaliser(options.pointers ?? mapping, of: self, options: options, idField: idField)
        case .own:
            guard let make = ownNormalisers[name] else {
                preconditionFailure("\(name) says that it has a normaliser of its own, and ownNormalisers has none")
            }
            return make(options)
        }
    }
}
