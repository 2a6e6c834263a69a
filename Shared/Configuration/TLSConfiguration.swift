/// What a listener proves its name with: a PEM certificate with those that signed it, and the PEM key that belongs to it.
package struct ListenerTLS: Sendable {
    /// The leaf first, then the intermediates.
    package var certificate: SecretReference
    package var key: SecretReference

    package init(certificate: SecretReference, key: SecretReference) {
        self.certificate = certificate
        self.key = key
    }

    static let table = FieldTable<ListenerTLS>(
        { ListenerTLS(certificate: .nowhere, key: .nowhere) },
        [
            Field(
                "certificate", \.certificate, .secret, "PEM, the leaf first; read again on reload.",
                required: "file:PATH of a PEM certificate"),
            Field(
                "key", \.key, .secret, "The certificate's PEM key; read again on reload.",
                required: "file:PATH of the certificate's PEM key"),
        ])
}

extension FieldKind where V == ListenerTLS {
    static let listenerTLS = FieldKind.object(ListenerTLS.table).shown { "\($0.certificate) with \($0.key)" }
}

/// How connections to a subscriber are made where the defaults do not fit; PEM each.
package struct SubscriberTLS: Sendable {
    /// The authorities that the subscriber's certificate must come from; nil: those that the system trusts.
    package var ca: SecretReference?
    /// Our own certificate, for subscribers that ask for one; `key` is there too.
    package var certificate: SecretReference?
    package var key: SecretReference?

    package init(ca: SecretReference? = nil) {
        self.ca = ca
    }

    static let table = FieldTable<SubscriberTLS>(
        { SubscriberTLS() }, rules: [{ _, section in checkParts(section) }],
        [
            Field(
                "ca", optional: \.ca, .secret,
                "PEM of the authorities that the subscriber's certificate must come from, in place of the system's."),
            Field("certificate", optional: \.certificate, .secret, "PEM of our own certificate."),
            Field("key", optional: \.key, .secret, "The certificate's PEM key."),
        ])

    private static func checkParts(_ section: Section) {
        if !["ca", "certificate", "key"].contains(where: section.has) {
            section.report("", "expected ca, or certificate and key, or all three")
        }
        for (one, other) in [("certificate", "key"), ("key", "certificate")]
        where section.has(one) && !section.has(other) {
            section.missing(other, "file:PATH, because \(one) is there and both belong together")
        }
    }
}
