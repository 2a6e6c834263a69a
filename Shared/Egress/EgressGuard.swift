package import Primitives

/// Decides to which addresses deliveries may go: global ones, and what the configuration allows besides.
package struct EgressGuard: Sendable {
    private let allowed: [IPNetwork]
    private let allowsHTTP: Bool

    /// `allow` are networks in CIDR notation; texts that are none are ignored (the configuration has checked them).
    /// `allowHTTP`: unencrypted requests may go to global addresses too, not only to the allowed networks.
    package init(allow: [String], allowHTTP: Bool = false) {
        allowed = allow.compactMap { IPNetwork($0, ignoringHostBits: true) }
        allowsHTTP = allowHTTP
    }

    /// Whether a connection to that very address may be made.
    package func permits(_ address: IPAddress) -> Bool { address.isGlobal || address.lies(inAnyOf: allowed) }

    /// Whether requests to that address may go unencrypted.
    package func permitsHTTP(to address: IPAddress) -> Bool { allowsHTTP || address.lies(inAnyOf: allowed) }
}
