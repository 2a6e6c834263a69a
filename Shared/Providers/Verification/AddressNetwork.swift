#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// A range of addresses that requests may come from: `203.0.113.0/24`, `2001:db8::/32` or a single address.
///
/// IPv4 lies inside IPv6 as `::ffff:a.b.c.d` (RFC 4291, section 2.5.5.2), so that an address counts in either
/// spelling.
package struct AddressNetwork: Sendable, Equatable {
    private let high: UInt64
    private let low: UInt64
    private let prefixBits: Int

    /// Nil where `text` is no address, has a prefix that is too long, or has bits set beyond its prefix.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2 else { return nil }
        var written = String(first)
        guard let address = written.withUTF8({ Self.address(UnsafeRawBufferPointer($0)) }) else { return nil }
        let isVersion4 = !first.contains(":")
        var bits = 128
        if parts.count == 2 {
            let digits = parts[1]
            guard (1...3).contains(digits.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                digits.count == 1 || digits.first != "0", let prefix = Int(digits), prefix <= (isVersion4 ? 32 : 128)
            else { return nil }
            bits = isVersion4 ? prefix + 96 : prefix
        }
        (high, low) = address
        prefixBits = bits
        let mask = Self.mask(bits)
        guard high & ~mask.high == 0, low & ~mask.low == 0 else { return nil }
    }

    /// Whether the address written in `text` lies inside.
    package func contains(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let address = Self.address(text) else { return false }
        return contains(address)
    }

    func contains(_ address: (high: UInt64, low: UInt64)) -> Bool {
        let mask = Self.mask(prefixBits)
        return address.high & mask.high == high && address.low & mask.low == low
    }

    /// The address written in `text`, without allocation; a zone (`%eth0`) is left out of account.
    package static func address(_ text: UnsafeRawBufferPointer) -> (high: UInt64, low: UInt64)? {
        let end = text.firstIndex(of: UInt8(ascii: "%")) ?? text.count
        guard (2...45).contains(end), !text[..<end].contains(0) else { return nil }
        let isVersion4 = !text[..<end].contains(UInt8(ascii: ":"))
        return withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { room in
            let characters = UnsafeMutableRawBufferPointer(rebasing: room[..<48])
            characters.copyMemory(from: UnsafeRawBufferPointer(rebasing: text[..<end]))
            characters[end] = 0
            guard let start = characters.baseAddress, let result = room.baseAddress.map({ $0 + 48 }),
                inet_pton(isVersion4 ? AF_INET : AF_INET6, start.assumingMemoryBound(to: CChar.self), result) == 1
            else { return nil }
            if isVersion4 {
                return (0, 0xFFFF_0000_0000 | UInt64(UInt32(bigEndian: result.load(as: UInt32.self))))
            }
            return (
                UInt64(bigEndian: result.load(as: UInt64.self)),
                UInt64(bigEndian: result.load(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    private static func mask(_ bits: Int) -> (high: UInt64, low: UInt64) {
        (
            bits >= 64 ? .max : bits == 0 ? 0 : ~(UInt64.max >> UInt64(bits)),
            bits >= 128 ? .max : bits <= 64 ? 0 : ~(UInt64.max >> UInt64(bits - 64))
        )
    }
}
