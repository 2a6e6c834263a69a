package import Providers

/// One place that webhooks come from: a path of the ingress, a provider, what authenticates it, and how its events are
/// mapped where the provider leaves a choice.
package struct SourceConfiguration: Sendable {
    /// 1 to 63 characters of a-z, 0-9 and `-`; part of the path and the `source` of its events.
    package let name: String
    /// One of `ProviderRegistry.names`.
    package let provider: String
    /// The verification that the configuration names; nil: the provider's own.
    package let verification: VerificationScheme?
    /// All are tried at once, so that a secret can be changed without refusing one good webhook.
    package let secrets: [ConfiguredSecret]
    /// What the last part of the path may be; empty: whatever it is.
    package let pathTokens: [ConfiguredSecret]
    /// Networks and addresses that requests may come from; empty: from anywhere.
    package let addresses: [String]
    package let mapping: MappingOptions
    /// What may come in for it; nil: as much as for any source.
    package let quota: QuotaConfiguration?
    /// What its provider takes as success; nil: 202 with the webhook's id.
    package let answer: SuccessAnswer?
}

/// One secret or token of a source.
package struct ConfiguredSecret: Sendable {
    /// What the provider calls the secret, such as Stream's API key, or a name for logs and metrics.
    package let id: String?
    package let value: SecretReference
    /// When it counts, judged against received-at.
    package let validity: KeyValidity
}
