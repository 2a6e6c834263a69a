/// What a listener proves its name with: a PEM certificate with those that signed it, and the PEM key that belongs to it.
package struct ListenerTLS: Sendable {
    /// The leaf first, then the intermediates.
    package let certificate: SecretReference
    package let key: SecretReference

    package init(certificate: SecretReference, key: SecretReference) {
        self.certificate = certificate
        self.key = key
    }

    package var references: [SecretReference] { [certificate, key] }
}

/// How connections to a subscriber are made where the defaults do not fit; PEM each.
package struct SubscriberTLS: Sendable {
    /// The authorities that the subscriber's certificate must come from; nil: those that the system trusts.
    package let ca: SecretReference?
    /// Our own certificate, for subscribers that ask for one; `key` is there too.
    package let certificate: SecretReference?
    package let key: SecretReference?

    package init(ca: SecretReference?, certificate: SecretReference?, key: SecretReference?) {
        self.ca = ca
        self.certificate = certificate
        self.key = key
    }

    package var references: [SecretReference] { [ca, certificate, key].compactMap { $0 } }
}
