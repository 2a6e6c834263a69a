package import Wire

/// The id of an event to which no provider gives one: a UUIDv7 (RFC 9562, section 5.7) made of received-at and bits
/// hashed from (journal id, sequence, element). The same on every resend, different for every element.
package enum GeneratedEventID {
    /// The 36 characters of the UUID, lower-case.
    package static func make(
        receivedAtNanoseconds: Int64, journal: JournalID, sequence: UInt64, element: UInt32
    ) -> String {
        let milliseconds = UInt64(bitPattern: receivedAtNanoseconds / 1_000_000) & 0xFFFF_FFFF_FFFF
        let first = mix(mix(journal.high ^ 0x9E37_79B9_7F4A_7C15) ^ sequence)
        let second = mix(mix(first ^ journal.low) ^ UInt64(element) &+ 0x632B_E59B_D9B4_E019)
        let high = milliseconds << 16 | 0x7000 | (first & 0x0FFF)
        let low = 0x8000_0000_0000_0000 | (second & 0x3FFF_FFFF_FFFF_FFFF)
        return format(high, low)
    }

    /// The finaliser of SplitMix64: every input bit reaches every output bit.
    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private static func format(_ high: UInt64, _ low: UInt64) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, half) in [high, low].enumerated() {
            for nibble in 0..<16 {
                let position = index * 16 + nibble
                if position == 8 || position == 12 || position == 16 || position == 20 {
                    text.append(UInt8(ascii: "-"))
                }
                text.append(digits[Int((half >> UInt64(60 - nibble * 4)) & 0xF)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
