/// The random identity of one journal. (journal id, sequence) names a webhook on the bus for ever.
package struct JournalID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package static let byteCount = 16

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A new identity from the system's random number generator.
    package static func random() -> JournalID {
        JournalID(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
    }

    /// Thirty-two lower-case hexadecimal digits.
    package var description: String {
        Self.hexadecimal(high) + Self.hexadecimal(low)
    }

    /// Reads what `description` wrote; nil for anything else.
    package init?(_ description: String) {
        // The standard library's parser would take a sign, and upper case.
        guard description.utf8.count == 32, description.utf8.allSatisfy(Self.isDigit),
            let high = UInt64(description.prefix(16), radix: 16),
            let low = UInt64(description.suffix(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }

    private static func isDigit(_ character: UInt8) -> Bool {
        (0x30...0x39).contains(character) || (0x61...0x66).contains(character)
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension ByteReader {
    package mutating func journalID() throws(WireError) -> JournalID {
        JournalID(high: try u64(), low: try u64())
    }
}

extension ByteWriter {
    package mutating func journalID(_ id: JournalID) {
        u64(id.high)
        u64(id.low)
    }
}

/// Consecutive sequence numbers of one journal, both ends included.
package struct SequenceRange: Hashable, Sendable {
    package var first: UInt64
    package var last: UInt64

    /// Precondition: `first <= last`.
    package init(_ first: UInt64, _ last: UInt64) {
        precondition(first <= last, "a sequence range holds at least one sequence number")
        self.first = first
        self.last = last
    }

    package var count: UInt64 { last - first + 1 }
}
