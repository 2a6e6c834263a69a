import Glibc

/// An IP address as sixteen bytes; IPv4 lies in ::ffff:0:0/96.
struct IPAddress: Equatable, Sendable {
    let bytes: [UInt8]

    /// Four or sixteen bytes in network order.
    init?(_ raw: [UInt8]) {
        switch raw.count {
        case 4: bytes = Self.mappedPrefix + raw
        case 16: bytes = raw
        default: return nil
        }
    }

    /// A numeric address as text.
    init?(_ text: String) {
        var raw = [UInt8](repeating: 0, count: 16)
        if text.contains(":") {
            guard inet_pton(AF_INET6, text, &raw) == 1 else { return nil }
            self.init(raw)
        } else {
            guard inet_pton(AF_INET, text, &raw) == 1 else { return nil }
            self.init(Array(raw[..<4]))
        }
    }

    static let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]

    /// The four bytes of an IPv4 address, also where it is written as ::ffff:a.b.c.d.
    var v4: [UInt8]? { bytes.starts(with: Self.mappedPrefix) ? Array(bytes[12...]) : nil }
}

/// A network in CIDR notation.
struct IPNetwork: Sendable {
    private let address: IPAddress
    private let prefix: Int

    /// Nil where the text is not an address, a slash and a prefix length.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])), let prefix = Int(parts[1]) else {
            return nil
        }
        let isV4 = !parts[0].contains(":")
        guard prefix >= 0, prefix <= (isV4 ? 32 : 128) else { return nil }
        self.address = address
        self.prefix = isV4 ? prefix + 96 : prefix
    }

    func contains(_ other: IPAddress) -> Bool {
        let whole = prefix / 8
        guard address.bytes[..<whole].elementsEqual(other.bytes[..<whole]) else { return false }
        let rest = prefix % 8
        guard rest > 0 else { return true }
        let mask = UInt8(truncatingIfNeeded: 0xFF00 >> rest)
        return address.bytes[whole] & mask == other.bytes[whole] & mask
    }
}
