import Gzip
import Primitives
import SeededRandom
import Testing
import WebhookSamples

@testable import LibCrypto
@testable import Verification

struct VerificationPrimitivesTests {
    private func code(_ key: [UInt8], _ text: [UInt8]) -> String {
        text.withUnsafeBytes { HMACKey(key).withCode(of: $0, Hexadecimal.encode) }
    }

    @Test func `HMAC-SHA256 agrees with the vectors of RFC 4231`() {
        #expect(
            code([UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8))
                == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        #expect(
            code(Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(
            code(
                [UInt8](repeating: 0xaa, count: 131),
                Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8))
                == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
        #expect(
            code(Array("test_secret_do_not_use_in_production".utf8), [])
                == "ff0affd4e69c01904d58894b1d0ffac80fb093b36fa32ee2879ded7801a29578")
    }

    @Test func `a key serves many codes`() {
        let key = HMACKey(Array("Jefe".utf8))
        for _ in 0..<3 {
            let code = Array("what do ya want for nothing?".utf8).withUnsafeBytes {
                key.withCode(of: $0, Hexadecimal.encode)
            }
            #expect(code == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
            _ = [1, 2, 3].withUnsafeBytes { key.withCode(of: $0) { $0.count } }
        }
    }

    @Test func `hexadecimal digits of both cases are bytes wherever they stand, and nothing else is a digit`() {
        for byte in UInt8.min ... .max {
            for place in 0..<10 {
                var text = Array("00112233445566778899".utf8)
                var bytes: [UInt8] = [0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99]
                text[2 * place] = byte
                bytes[place] = bytes[place] & 0x0F
                let value = Int(String(decoding: [byte], as: UTF8.self), radix: 16)
                if let value { bytes[place] |= UInt8(value) << 4 }
                #expect(Hexadecimal.decode(text) == (value == nil ? nil : bytes), "\(byte) at \(place)")
            }
        }
        #expect(Hexadecimal.decode(Array("abc".utf8)) == nil && Hexadecimal.decode([]) == [])
        #expect(Hexadecimal.decode(Array("fFaA09Ee".utf8)) == [0xFF, 0xAA, 0x09, 0xEE])
    }

    @Test func `gzip is taken off and damage is noticed`() {
        let inflater = Inflater(maxInflatedBytes: 1_000_000)
        func inflate(_ bytes: [UInt8]) -> [UInt8]? {
            bytes.withUnsafeBytes { body in
                inflater.inflate(body) { outcome in
                    if case .inflated(let bytes) = outcome { Array(bytes) } else { nil }
                }
            }
        }
        var generator = SeededGenerator(seed: 1)
        for size in [0, 1, 1000, 16_383, 16_384, 16_385, 65_536, 300_000, 1_000_000] {
            let plain = (0..<size).map { _ in UInt8.random(in: 0...15, using: &generator) }
            #expect(inflate(Gzip.compress(plain)) == plain)
        }
        let packed = Gzip.compress(Array("hello".utf8))
        #expect(inflate(packed + packed) == Array("hellohello".utf8))
        #expect(inflate(packed + [0]) == nil)
        #expect(inflate(packed + [0x1f, 0x8b]) == nil)
        for length in 2..<packed.count { #expect(inflate(Array(packed.prefix(length))) == nil) }
        for place in packed.count - 8..<packed.count {
            var damaged = packed
            damaged[place] ^= 1
            #expect(inflate(damaged) == nil)
        }
    }

    @Test func `a bomb is stopped at the limit`() {
        let bomb = Gzip.compress([UInt8](repeating: 0x20, count: 50_000_000))
        for limit in [100, 20_000, 2_097_152] {
            let inflater = Inflater(maxInflatedBytes: limit)
            let isTooLarge = bomb.withUnsafeBytes { body in
                inflater.inflate(body) { if case .tooLarge = $0 { true } else { false } }
            }
            #expect(isTooLarge)
            let exactly = Gzip.compress([UInt8](repeating: 0x20, count: limit))
            let count = exactly.withUnsafeBytes { body in
                inflater.inflate(body) { if case .inflated(let bytes) = $0 { bytes.count } else { -1 } }
            }
            #expect(count == limit)
        }
    }

    @Test func `comparison needs equal lengths and equal bytes`() {
        func equal(_ first: [UInt8], _ second: [UInt8]) -> Bool {
            first.withUnsafeBytes { left in second.withUnsafeBytes { ConstantTime.equal(left, $0) } }
        }
        #expect(equal([], []) && equal([1, 2], [1, 2]))
        #expect(!equal([1, 2], [1, 3]) && !equal([1], [1, 2]) && !equal([], [1]))
    }
}
