import PipelineConfiguration
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
        router:
          egress_allow: ["127.0.0.0/8"]
          retention: 2h
          listen: "127.0.0.1:8081"
          api_tokens: ["env:T", { name: d, sha256: 0f0f, scopes: [read] }]
          tls: { certificate: "file:c", key: "file:k" }
          egress_proxy: "http://127.0.0.1:3128"
        sources:
          - { name: stream, provider: stream, secrets: [{ id: k, value: "env:A" }], allow_addresses: ["192.0.2.1"] }
          - name: own
            provider: generic
            path_tokens: [{ value: "env:T", not_before: 2026-01-01T00:00:00.5Z, not_after: 2026-02-01T00:00:00+01:00 }]
            secrets: [{ value: "env:B" }]
            verification:
              scheme: hmac
              signature: { header: X, encoding: hex, prefix: "v=", list: { pairs: v1 } }
              content: "{{{header:X-Id}.{timestamp}.{body}"
              timestamp: { header: T, unit: milliseconds }
              tolerance: 5m
            mapping: { type: /t, time: { pointer: /a~1b, unit: seconds }, subject: "r/{/x}", types: { a: room.created } }
        subscriptions:
          - name: a
            url: "http://127.0.0.1:9000/events"
            filter: { types: ["a.*"], sources: [stream] }
            signing: { scheme: standard-webhooks, secrets: ["literal:x"] }
            retry: { schedule: [0s, 5s], timeout: 6s }
            tls: { ca: "file:ca" }
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
