/// SipHash-2-4 with 128 bits of result (Aumasson, Bernstein: "SipHash: a fast short-input PRF"), over words and over byte
/// strings whose lengths count, so that no string can borrow from the one beside it. Without the key nobody finds two
/// inputs that collide: a hit is an answer.
struct KeyedHash {
    /// The secret half of every hash. Hashes are stored, so it is too.
    struct Key: Equatable, Sendable {
        var low: UInt64
        var high: UInt64
    }

    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    private var words: UInt64 = 0

    init(_ key: Key) {
        v0 = key.low ^ 0x736F_6D65_7073_6575
        v1 = key.high ^ 0x646F_7261_6E64_6F6D ^ 0xEE
        v2 = key.low ^ 0x6C79_6765_6E65_7261
        v3 = key.high ^ 0x7465_6462_7974_6573
    }

    mutating func combine(_ word: UInt64) {
        words += 1
        mix(word)
    }

    mutating func combine(_ bytes: UnsafeRawBufferPointer) {
        combine(UInt64(bytes.count))
        var offset = 0
        while offset + 8 <= bytes.count {
            combine(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            offset += 8
        }
        guard offset < bytes.count else { return }
        var tail: UInt64 = 0
        for index in offset..<bytes.count { tail |= UInt64(bytes[index]) << UInt64(8 * (index - offset)) }
        combine(tail)
    }

    /// The length in bytes goes into the top byte of the last word.
    consuming func finish() -> UInt128 {
        mix(words << 59)
        v2 ^= 0xEE
        rounds(4)
        let low = v0 ^ v1 ^ v2 ^ v3
        v1 ^= 0xDD
        rounds(4)
        return UInt128(v0 ^ v1 ^ v2 ^ v3) << 64 | UInt128(low)
    }

    private mutating func mix(_ word: UInt64) {
        v3 ^= word
        rounds(2)
        v0 ^= word
    }

    private mutating func rounds(_ count: Int) {
        for _ in 0..<count {
            v0 &+= v1
            v1 = (v1 << 13 | v1 >> 51) ^ v0
            v0 = v0 << 32 | v0 >> 32
            v2 &+= v3
            v3 = (v3 << 16 | v3 >> 48) ^ v2
            v0 &+= v3
            v3 = (v3 << 21 | v3 >> 43) ^ v0
            v2 &+= v1
            v1 = (v1 << 17 | v1 >> 47) ^ v2
            v2 = v2 << 32 | v2 >> 32
        }
    }
}

extension KeyedHash {
    /// Names an event. `origin`: the event's own `source`, within which its id is unique where one configured source
    /// takes events of several.
    static func name(
        _ key: Key, source: UnsafeRawBufferPointer, origin: UnsafeRawBufferPointer?, id: UnsafeRawBufferPointer
    ) -> UInt128 {
        var hash = KeyedHash(key)
        hash.combine(source)
        hash.combine(origin ?? UnsafeRawBufferPointer(start: nil, count: 0))
        hash.combine(id)
        return hash.finish()
    }

    /// Names the content of an event by the code that its sender signed it with, and its place in the webhook.
    static func content(
        _ key: Key, source: UnsafeRawBufferPointer, code: UnsafeRawBufferPointer, element: UInt32
    ) -> UInt128 {
        var hash = KeyedHash(key)
        hash.combine(source)
        hash.combine(code)
        hash.combine(UInt64(element))
        return hash.finish()
    }
}
