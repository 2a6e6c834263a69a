import Glibc

/// An IP address written out in a URL, as far as a configuration can be judged by it. What deliveries may really reach is
/// decided for every attempt, by the router's own and larger table.
struct LiteralAddress {
    /// 4 or 16 bytes in network order.
    private let bytes: [UInt8]

    /// Nil for names.
    init?(_ text: String) {
        let isIPv6 = text.contains(":")
        var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
        guard inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, &bytes) == 1 else { return nil }
        self.bytes = bytes
    }

    /// Whether it is an address of the public internet.
    var isGlobal: Bool {
        bytes.count == 16
            ? isWithin("2000::/3") && !isWithin("2001:db8::/32") : !Self.local.contains(where: isWithin)
    }

    /// Whether it lies in a network in CIDR notation.
    func isWithin(_ network: String) -> Bool {
        let parts = network.split(separator: "/")
        guard parts.count == 2, let first = LiteralAddress(String(parts[0])), let prefix = Int(parts[1]),
            first.bytes.count == bytes.count, (0...bytes.count * 8).contains(prefix)
        else { return false }
        let (whole, rest) = prefix.quotientAndRemainder(dividingBy: 8)
        guard bytes[..<whole] == first.bytes[..<whole] else { return false }
        return rest == 0 || (bytes[whole] ^ first.bytes[whole]) >> (8 - rest) == 0
    }

    /// The IPv4 networks that are not global (IANA, "IPv4 Special-Purpose Address Registry").
    private static let local = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    ]
}
