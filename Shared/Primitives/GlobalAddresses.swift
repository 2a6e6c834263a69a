/// Which addresses belong to the public internet.
///
/// The tables follow the IANA special-purpose registries (RFC 6890 and its updates). IPv6 is not global unless it lies in
/// 2000::/3, the only block that is global unicast: so loopback, unspecified, IPv4-compatible and -translated, local
/// NAT64, discard-only, segment routing, unique local, link-local, site-local and multicast addresses need no rows.
/// What wraps an IPv4 address is judged by that address (NAT64, ISATAP) or not global (6to4, Teredo).
extension IPAddress {
    package var isGlobal: Bool {
        let target = translated
        if target.isV4 { return !Self.specialV4.contains { $0.contains(target) } }
        guard Self.globalV6.contains(self), !Self.specialV6.contains(where: { $0.contains(self) }) else { return false }
        return tunnelled.map(\.isGlobal) ?? true
    }

    private static let globalV6 = network("2000::/3")

    /// This network, private use, shared (carrier NAT), loopback, link-local, protocol assignments, documentation,
    /// AS112, AMT, 6to4 relays, benchmarking, multicast, reserved and broadcast. AS112, AMT and the relays are
    /// reachable from anywhere, but nobody receives webhooks there.
    private static let specialV4 = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    ].map(network)

    /// Inside 2000::/3: protocol assignments (Teredo, benchmarking, AMT, AS112, ORCHID and DRIP among them),
    /// documentation, 6to4, direct delegation AS112, and documentation again (RFC 9637).
    private static let specialV6 = [
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
    ].map(network)

    private static func network(_ text: String) -> IPNetwork {
        guard let network = IPNetwork(text) else { preconditionFailure("\(text) in the table is a network") }
        return network
    }
}
