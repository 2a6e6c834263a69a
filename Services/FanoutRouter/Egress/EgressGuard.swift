/// Decides to which addresses deliveries may go: global ones, and what the configuration allows besides.
///
/// The tables follow the IANA special-purpose registries (RFC 6890 and its updates). IPv6 is refused unless it lies in
/// 2000::/3, the only block that is global unicast; what wraps an IPv4 address is judged by that address or refused.
struct EgressGuard: Sendable {
    private let allowed: [IPNetwork]

    /// `allow` are networks in CIDR notation; texts that are none are ignored (the configuration has checked them).
    init(allow: [String]) {
        allowed = allow.compactMap { IPNetwork($0) }
    }

    /// Whether a connection to that very address may be made.
    func permits(_ address: IPAddress) -> Bool {
        if allowed.contains(where: { $0.contains(address) }) { return true }
        if address.v4 != nil { return Self.isGlobal(address) }
        if let embedded = Self.embeddedV4(in: address) {
            return allowed.contains { $0.contains(embedded) } || Self.isGlobal(embedded)
        }
        return Self.isGlobal(address)
    }

    /// The IPv4 address that a NAT64 gateway (64:ff9b::/96, RFC 6052) would connect to.
    private static func embeddedV4(in address: IPAddress) -> IPAddress? {
        guard nat64.contains(address) else { return nil }
        return IPAddress(Array(address.bytes[12...]))
    }

    private static func isGlobal(_ address: IPAddress) -> Bool {
        if address.v4 != nil { return !refusedV4.contains { $0.contains(address) } }
        return globalV6.contains(address) && !refusedV6.contains { $0.contains(address) }
    }

    private static let nat64 = network("64:ff9b::/96")
    private static let globalV6 = network("2000::/3")

    private static let refusedV4 = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    ].map(network)

    /// Inside 2000::/3: Teredo and other protocol assignments, 6to4, documentation, AS112, segment routing.
    private static let refusedV6 = [
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
    ].map(network)

    private static func network(_ text: String) -> IPNetwork {
        guard let network = IPNetwork(text) else { preconditionFailure("\(text) in the table is a network") }
        return network
    }
}
