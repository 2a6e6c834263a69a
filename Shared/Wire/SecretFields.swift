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

    /// Whether the field with this lower-case name is hidden: tokens of path and query wholly, credentials, signatures,
    /// which let a body in a second time where no time is signed, targets that proxies pass on, and what its name calls
    /// a secret.
    package func contains(_ name: String) -> Bool {
        switch name {
        case RequestHead.pathToken, RequestHead.query, "referer", "x-original-url", "x-original-uri", "x-rewrite-url",
            "x-forwarded-uri", "x-forwarded-path", "x-request-uri", "x-envoy-original-path":
            true
        default:
            named.contains(name) || Self.telltales.contains { name.contains($0) }
        }
    }

    /// The fields of one head as they may be shown: those that are hidden by their names, and every other that repeats
    /// the path token, masked.
    package func shown(_ fields: [(name: String, value: String)]) -> [(name: String, value: String)] {
        let token = fields.first { $0.name == RequestHead.pathToken }?.value ?? ""
        return fields.map { name, value in
            let isHidden = contains(name.lowercased()) || (!token.isEmpty && value.contains(token))
            return (name, isHidden ? Self.mask : value)
        }
    }

    private static let telltales = [
        "auth", "cookie", "credential", "hmac", "jwt", "passw", "secret", "session", "signature", "token",
    ]
}
