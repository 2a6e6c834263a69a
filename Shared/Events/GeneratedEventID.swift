package import Wire

/// The id of an event to which no provider gives one: a UUIDv7 (RFC 9562, section 5.7) made of received-at and bits
/// hashed from (journal id, sequence, element). The same on every resend, different for every element.
package enum GeneratedEventID {
    /// The 36 characters of the UUID, lower-case.
    package static func make(
        receivedAtNanoseconds: Int64, journal: JournalID, sequence: UInt64, element: UInt32
    ) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(36)
        append(
            receivedAtNanoseconds: receivedAtNanoseconds, journal: journal, sequence: sequence, element: element,
            to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends the same without making a `String`.
    package static func append(
        receivedAtNanoseconds: Int64, journal: JournalID, sequence: UInt64, element: UInt32, to bytes: inout [UInt8]
    ) {
        let milliseconds = UInt64(bitPattern: receivedAtNanoseconds / 1_000_000) & 0xFFFF_FFFF_FFFF
        let first = mix(mix(journal.high ^ 0x9E37_79B9_7F4A_7C15) ^ sequence)
        let second = mix(mix(first ^ journal.low) ^ UInt64(element) &+ 0x632B_E59B_D9B4_E019)
        appendHalf(milliseconds << 16 | 0x7000 | (first & 0x0FFF), isFirst: true, to: &bytes)
        appendHalf(0x8000_0000_0000_0000 | (second & 0x3FFF_FFFF_FFFF_FFFF), isFirst: false, to: &bytes)
    }

    /// The finaliser of SplitMix64: every input bit reaches every output bit.
    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private static func appendHalf(_ half: UInt64, isFirst: Bool, to bytes: inout [UInt8]) {
        for nibble in 0..<16 {
            if isFirst ? nibble == 8 || nibble == 12 : nibble == 0 || nibble == 4 { bytes.append(UInt8(ascii: "-")) }
            let digit = UInt8((half >> UInt64(60 - nibble * 4)) & 0xF)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
