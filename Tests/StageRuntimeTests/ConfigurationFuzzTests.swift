import StageRuntime
import Testing

@Suite struct ConfigurationFuzzTests {
    /// A small generator, so that a failing seed can be run again.
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 33)
        }
    }

    private static let valid = """
        ingress: { listen: "127.0.0.1:8080", verdict_timeout: 250ms, max_body_bytes: 4096 }
        router: { egress_allow: ["127.0.0.0/8"], retention: 2h }
        sources:
          - { name: stream, provider: stream, secrets: [{ id: k, value: "env:A" }] }
        subscriptions:
          - name: a
            url: "http://127.0.0.1:9000/events"
            filter: { types: ["a.*"], sources: [stream] }
            signing: { scheme: standard-webhooks, secrets: ["literal:x"] }
            retry: { schedule: [0s, 5s], timeout: 6s }
        """

    @Test func `whatever is in the file, decoding ends with a configuration or with errors`() {
        let pieces = [
            "{", "}", "[", "]", ":", "- ", "\n", "  ", "\"", "'", "&a ", "*a", "!!int ", "|", "~", "0", "\t", "é",
        ]
        for seed in 0..<2000 as Range<UInt64> {
            var random = Seeded(state: seed)
            var text = Array(Self.valid.unicodeScalars)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<text.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: text.remove(at: place)
                case 1: text.insert(contentsOf: (pieces.randomElement(using: &random) ?? "").unicodeScalars, at: place)
                default: text.removeSubrange(place..<min(text.count, place + 20))
                }
                if text.isEmpty { text = ["a"] }
            }
            var mutated = ""
            mutated.unicodeScalars.append(contentsOf: text)
            do {
                _ = try TributaryConfiguration.decode(mutated, file: "t.yaml")
            } catch {
                #expect(!error.errors.isEmpty, "seed \(seed)")
                #expect(error.errors.allSatisfy { !$0.sentence.isEmpty }, "seed \(seed)")
            }
        }
    }
}
