/// Decides to which addresses deliveries may go: global ones, and what the configuration allows besides.
///
/// The tables follow the IANA special-purpose registries (RFC 6890 and its updates). IPv6 is refused unless it lies in
/// 2000::/3, the only block that is global unicast: so loopback, unspecified, IPv4-compatible and -translated, local
/// NAT64, discard-only, segment routing, unique local, link-local, site-local and multicast addresses need no rows.
/// What wraps an IPv4 address is judged by that address (NAT64, ISATAP) or refused (6to4, Teredo).
struct EgressGuard: Sendable {
    private let allowed: [IPNetwork]
    private let allowsHTTP: Bool

    /// `allow` are networks in CIDR notation; texts that are none are ignored (the configuration has checked them).
    /// `allowHTTP`: unencrypted requests may go to global addresses too, not only to the allowed networks.
    init(allow: [String], allowHTTP: Bool = false) {
        allowed = allow.compactMap { IPNetwork($0) }
        allowsHTTP = allowHTTP
    }

    /// Whether a connection to that very address may be made.
    func permits(_ address: IPAddress) -> Bool { isAllowed(address) || Self.isGlobal(address) }

    /// Whether requests to that address may go unencrypted.
    func permitsHTTP(to address: IPAddress) -> Bool { allowsHTTP || isAllowed(address) }

    private func isAllowed(_ address: IPAddress) -> Bool {
        let target = Self.translated(address)
        return allowed.contains { $0.contains(address) || $0.contains(target) }
    }

    private static func isGlobal(_ address: IPAddress) -> Bool {
        let target = translated(address)
        if target.v4 != nil { return !refusedV4.contains { $0.contains(target) } }
        guard globalV6.contains(address), !refusedV6.contains(where: { $0.contains(address) }) else { return false }
        return tunnelled(address).map { isGlobal($0) } ?? true
    }

    /// The IPv4 address that a NAT64 gateway (64:ff9b::/96, RFC 6052) would connect to, or the address itself.
    private static func translated(_ address: IPAddress) -> IPAddress {
        guard nat64.contains(address) else { return address }
        return IPAddress(Array(address.bytes[12...])) ?? address
    }

    /// The IPv4 address inside the interface identifier of an ISATAP address (RFC 5214, section 6.1).
    private static func tunnelled(_ address: IPAddress) -> IPAddress? {
        let identifier = address.bytes[8..<12]
        guard identifier.elementsEqual([0x00, 0x00, 0x5E, 0xFE]) || identifier.elementsEqual([0x02, 0x00, 0x5E, 0xFE])
        else { return nil }
        return IPAddress(Array(address.bytes[12...]))
    }

    private static let nat64 = network("64:ff9b::/96")
    private static let globalV6 = network("2000::/3")

    /// This network, private use, shared (carrier NAT), loopback, link-local, protocol assignments, documentation,
    /// AS112, AMT, 6to4 relays, benchmarking, multicast, reserved and broadcast. AS112, AMT and the relays are
    /// reachable from anywhere, but nobody receives webhooks there.
    private static let refusedV4 = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    ].map(network)

    /// Inside 2000::/3: protocol assignments (Teredo, benchmarking, AMT, AS112, ORCHID and DRIP among them),
    /// documentation, 6to4, direct delegation AS112, and documentation again (RFC 9637).
    private static let refusedV6 = [
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
    ].map(network)

    private static func network(_ text: String) -> IPNetwork {
        guard let network = IPNetwork(text) else { preconditionFailure("\(text) in the table is a network") }
        return network
    }
}
