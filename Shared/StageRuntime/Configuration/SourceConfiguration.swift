/// One place that webhooks come from: a path of the ingress, a provider, and what authenticates it.
package struct SourceConfiguration: Sendable {
    /// 1 to 63 characters of a-z, 0-9 and `-`; part of the path and the `source` of its events.
    package let name: String
    /// One of `KnownProviders.served`.
    package let provider: String
    /// All are tried at once, so that a secret can be changed without refusing one good webhook.
    package let secrets: [SourceSecret]
    /// The last part of the path, for providers that sign nothing.
    package let pathToken: SecretReference?
}

/// One secret of a source.
package struct SourceSecret: Sendable {
    /// What the provider calls the secret: Stream's API key, as sent in `X-API-KEY`.
    package let id: String?
    package let value: SecretReference
}

/// The providers that a configuration may name.
package enum KnownProviders {
    /// Every provider of the design.
    package static let all = ["stream", "fastpix", "fishjam", "superviz", "eyeson-streamrec"]
    /// Those that this version can verify and normalise.
    package static let served = ["stream", "fastpix"]
    /// Those whose secret needs an id, because a header selects it.
    package static let identifiedSecrets = ["stream"]
}
