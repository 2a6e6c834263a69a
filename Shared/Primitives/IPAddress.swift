import Glibc

/// An IP address; IPv4 lies inside IPv6 as `::ffff:a.b.c.d` (RFC 4291, section 2.5.5.2), so that an address counts in
/// either spelling.
package struct IPAddress: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The IPv4 address of four bytes in network order.
    private init(v4: UInt32) {
        self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(v4))
    }

    /// A numeric address as text. `ignoringZone`: what follows a `%` is left out of account; else it is no address.
    package init?(_ text: String, ignoringZone: Bool = false) {
        var text = text
        let parsed = text.withUTF8 { IPAddress(UnsafeRawBufferPointer($0), ignoringZone: ignoringZone) }
        guard let parsed else { return nil }
        self = parsed
    }

    /// The same, without an allocation.
    package init?(_ text: UnsafeRawBufferPointer, ignoringZone: Bool = false) {
        let end = (ignoringZone ? text.firstIndex(of: UInt8(ascii: "%")) : nil) ?? text.count
        guard (2...45).contains(end), !text[..<end].contains(0) else { return nil }
        let isVersion4 = !text[..<end].contains(UInt8(ascii: ":"))
        let parsed: IPAddress? = withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { room in
            let characters = UnsafeMutableRawBufferPointer(rebasing: room[..<48])
            characters.copyMemory(from: UnsafeRawBufferPointer(rebasing: text[..<end]))
            characters[end] = 0
            guard let start = characters.baseAddress, let result = room.baseAddress.map({ $0 + 48 }),
                inet_pton(isVersion4 ? AF_INET : AF_INET6, start.assumingMemoryBound(to: CChar.self), result) == 1
            else { return nil }
            if isVersion4 { return IPAddress(v4: UInt32(bigEndian: result.load(as: UInt32.self))) }
            return IPAddress(
                high: UInt64(bigEndian: result.load(as: UInt64.self)),
                low: UInt64(bigEndian: result.load(fromByteOffset: 8, as: UInt64.self)))
        }
        guard let parsed else { return nil }
        self = parsed
    }

    /// Sixteen bytes in network order.
    package var bytes: [UInt8] {
        [high, low].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> UInt64(56 - 8 * $0)) } }
    }

    /// Whether it is an IPv4 address, also where it is written as `::ffff:a.b.c.d`.
    package var isV4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// Whether it lies in one of `networks`, itself or as what a NAT64 gateway would connect to.
    package func lies(inAnyOf networks: [IPNetwork]) -> Bool {
        let target = translated
        return networks.contains { $0.contains(self) || $0.contains(target) }
    }

    /// The IPv4 address that a NAT64 gateway (64:ff9b::/96, RFC 6052) would connect to, or the address itself.
    var translated: IPAddress {
        high == 0x0064_FF9B_0000_0000 && low >> 32 == 0 ? IPAddress(v4: UInt32(truncatingIfNeeded: low)) : self
    }

    /// The IPv4 address inside the interface identifier of an ISATAP address (RFC 5214, section 6.1).
    var tunnelled: IPAddress? {
        let identifier = low >> 32
        guard identifier == 0x0000_5EFE || identifier == 0x0200_5EFE else { return nil }
        return IPAddress(v4: UInt32(truncatingIfNeeded: low))
    }
}
