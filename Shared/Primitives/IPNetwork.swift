/// A range of addresses in CIDR notation, `203.0.113.0/24` or `2001:db8::/32`, or a single address.
package struct IPNetwork: Sendable, Equatable {
    private let high: UInt64
    private let low: UInt64
    private let mask: (high: UInt64, low: UInt64)

    /// Nil where `text` is no address, has a prefix that is too long, or has bits set beyond its prefix, unless
    /// `ignoringHostBits`. A zone (`%eth0`) is left out of account.
    package init?(_ text: String, ignoringHostBits: Bool = false) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, let address = IPAddress(String(first), ignoringZone: true)
        else { return nil }
        var bits = 128
        if parts.count == 2 {
            let digits = parts[1]
            let isVersion4 = !first.contains(":")
            guard (1...3).contains(digits.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                digits.count == 1 || digits.first != "0", let prefix = Int(digits), prefix <= (isVersion4 ? 32 : 128)
            else { return nil }
            bits = isVersion4 ? prefix + 96 : prefix
        }
        mask = (
            bits >= 64 ? .max : bits == 0 ? 0 : ~(UInt64.max >> UInt64(bits)),
            bits >= 128 ? .max : bits <= 64 ? 0 : ~(UInt64.max >> UInt64(bits - 64))
        )
        (high, low) = (address.high & mask.high, address.low & mask.low)
        guard ignoringHostBits || (high, low) == (address.high, address.low) else { return nil }
    }

    package func contains(_ address: IPAddress) -> Bool {
        address.high & mask.high == high && address.low & mask.low == low
    }

    package static func == (first: IPNetwork, second: IPNetwork) -> Bool {
        (first.high, first.low) == (second.high, second.low) && first.mask == second.mask
    }
}
