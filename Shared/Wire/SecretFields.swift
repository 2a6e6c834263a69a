/// Which fields of a request's head hold what whoever reads along must not learn: one rule for everything that shows
/// heads, so that a token that one view hides is not found in another.
package struct SecretFields: Sendable {
    /// What is shown in place of a value.
    package static let mask = "(hidden)"

    private let named: Set<String>

    /// `named`: lower-case fields in which sources carry their tokens, as configured.
    package init(named: some Sequence<String> = []) {
        self.named = Set(named)
    }

    /// Whether the field with this lower-case name is hidden: tokens of path and query wholly, credentials, and what
    /// its name calls a secret. Signatures are shown: they prove one request and open nothing else.
    package func contains(_ name: String) -> Bool {
        switch name {
        case RequestHead.pathToken, RequestHead.query, "authorization", "proxy-authorization", "cookie",
            "cf-webhook-auth":
            true
        default:
            named.contains(name) || Self.telltales.contains { name.contains($0) }
        }
    }

    /// The value as it may be shown.
    package func shown(_ name: String, _ value: String) -> String {
        contains(name) ? Self.mask : value
    }

    private static let telltales = ["token", "secret", "password", "credential"]
}
