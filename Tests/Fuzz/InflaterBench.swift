import Gzip
import Verification
import WebhookSamples

/// The inflater: with what claims to be gzip, and with gzip that is. The first byte says which.
final class InflaterBench: FuzzFixture {
    private static let maxInflatedBytes = 40_000
    private let inflater = Inflater(maxInflatedBytes: maxInflatedBytes)

    func tryOne(_ input: UnsafeRawBufferPointer) {
        guard let first = input.first else { return }
        let rest = UnsafeRawBufferPointer(rebasing: input.dropFirst())
        if first & 1 == 0 {
            inflater.inflate(rest) { outcome in
                guard case .inflated(let bytes) = outcome else { return }
                must(bytes.count <= Self.maxInflatedBytes, "no more comes out than is allowed")
                must(bytes.allSatisfy { _ in true }, "what comes out can be read")
            }
            return
        }
        // Repeated, so that texts on both sides of the limit are tried.
        let plain = Array(repeatElement(Array(rest), count: 1 + Int(first >> 1)).joined())
        let compressed = Gzip.compress(plain)
        compressed.withUnsafeBytes { bytes in
            inflater.inflate(bytes) { outcome in
                switch outcome {
                case .inflated(let inflated):
                    must(inflated.elementsEqual(plain), "what went in comes out")
                    must(plain.count <= Self.maxInflatedBytes, "no more comes out than is allowed")
                case .tooLarge: must(plain.count > Self.maxInflatedBytes, "what is small enough is not too large")
                case .damaged: fatalError("broken: whole gzip is taken for damaged")
                }
            }
        }
    }

    static func seeds() -> [[UInt8]] {
        let text = Array(#"{"type":"call.created"}"#.utf8)
        let member = Gzip.compress(text)
        return [
            [0] + member, [0] + member + member, [0] + member.dropLast(4), [0] + member + [0], [1] + text, [255] + text,
        ]
    }
}
