/// A Bloom filter over 64-bit hashes: about ten bits and seven probes per element, one in a hundred false.
struct BloomFilter {
    private static let probes: UInt64 = 7
    private var bits: [UInt8]

    /// A filter that fits `hashes`.
    init(_ hashes: [UInt64]) {
        bits = [UInt8](repeating: 0, count: max(8, (hashes.count * 10 + 7) / 8))
        for hash in hashes {
            for probe in 0..<Self.probes {
                let bit = Self.bit(of: hash, probe, among: bits.count * 8)
                bits[bit >> 3] |= 1 << UInt8(bit & 7)
            }
        }
    }

    /// A filter as it was stored.
    init(stored: UnsafeRawBufferPointer) {
        bits = Array(stored)
    }

    var bytes: [UInt8] { bits }

    /// False only where the hash was never added.
    func mayContain(_ hash: UInt64) -> Bool {
        guard !bits.isEmpty else { return true }
        for probe in 0..<Self.probes {
            let bit = Self.bit(of: hash, probe, among: bits.count * 8)
            if bits[bit >> 3] & (1 << UInt8(bit & 7)) == 0 { return false }
        }
        return true
    }

    /// Double hashing after Kirsch and Mitzenmacher: the halves of one hash make all probes.
    private static func bit(of hash: UInt64, _ probe: UInt64, among size: Int) -> Int {
        Int(((hash & 0xFFFF_FFFF) &+ probe &* ((hash >> 32) | 1)) % UInt64(size))
    }
}
