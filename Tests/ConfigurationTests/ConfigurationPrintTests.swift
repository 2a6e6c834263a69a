import JSON
import PipelineConfiguration
import Testing

/// What `tributary config` prints.
@Suite struct ConfigurationPrintTests {
    private static let yaml = """
        run_dir: r
        ingress:
          listen: "0.0.0.0:8080"
          tls: { certificate: "file:c", key: "env:K" }
          public_url: "https://gw.example.com/"
          quotas: { refused: { burst: 1m } }
          idle_timeout: 1500ms
        router:
          listen: "127.0.0.1:8081"
          insecure: true
          api_tokens: ["env:T", { name: d, sha256: \(String(repeating: "0f", count: 32)), scopes: [read] }]
          egress_allow: ["127.0.0.0/8"]
          egress_proxy: { url: "http://p:3128", username: u, password: "env:P" }
          retention: 168h
          quarantine: { max_age: 1h }
        sources:
          - { name: stream, provider: stream, secrets: [{ id: k, value: "env:A", not_after: 2027-01-01T00:00:00Z }] }
          - { name: open, provider: superviz, verification: none, ids: generated, answer: { status: 204 } }
          - { name: fine, provider: mux, secrets: [{ value: "env:B" }], verification: { tolerance: 10m } }
          - { name: never, provider: mux, secrets: [{ value: "env:B" }], verification: { tolerance: none } }
          - { name: field, provider: generic, secrets: [{ value: "env:B" }],
              verification: { scheme: header, name: X-T, prefix: "T " }, quota: { requests_per_second: 5 } }
          - { name: query, provider: generic, secrets: [{ value: "env:B" }], verification: { scheme: query, name: t } }
          - { name: jwt, provider: generic, secrets: [{ id: k, value: "env:B" }],
              verification: { scheme: jwt, leeway: 30s, issuer_names_key: true } }
          - name: own
            provider: generic
            path_tokens: [{ value: "env:B" }]
            secrets: [{ id: c, value: "env:C" }]
            verification:
              scheme: hmac
              label: own
              digest: sha512
              signature: [{ header: X, list: { pairs: v1 } }, { header: Y, algorithm: ed25519, encoding: base64 }]
              content: "{{a}}{timestamp}.{header:X-Id}.{body}"
              timestamp: { header: X, pair: t, unit: milliseconds }
              key_header: X-Key
            mapping: { type: /t, time: { pointer: /a~1b, unit: seconds }, subject: "r/{/x}", types: { a: room.created } }
        subscriptions:
          - name: a
            url: "https://example.com/a?x=1"
            filter: { types: ["a.*"], sources: [stream], data: [{ pointer: /a, equals: 5 }, { pointer: /b, below: 1.5 }] }
            format: superviz
            mode: { batch: { every: 250ms, max_events: 7 } }
            signing: { scheme: header, secrets: ["env:S"], header: X-Token, prefix: "Bearer " }
            retry: { schedule: [0s, 5s], repeat_last: true, deadline: 1h }
            order: key
            tls: { ca: "file:ca.pem" }
          - { name: b, url: "https://example.com/b", signing: { scheme: none }, retry: stream, rate_limit: 9 }
        """

    @Test func `what is printed is a configuration, and the same one`() throws {
        let configuration = try TributaryConfiguration.decode(Self.yaml, file: "/etc/t.yaml")
        let printed = configuration.json
        for text in [printed.json.text, printed.indented()] {
            let again = try TributaryConfiguration.decode(text, file: "/somewhere/else.json")
            #expect(ConfigurationChange.between(configuration, again).map(\.sentence) == [])
            #expect(again.json == printed)
            #expect(again.sources.map(\.scheme) == configuration.sources.map(\.scheme))
        }
    }

    @Test func `keys are spelled as in the file, and durations too`() throws {
        let json = try TributaryConfiguration.decode(Self.yaml, file: "/etc/t.yaml").json
        #expect(json["router"]["retention"].text == "7d")
        #expect(json["ingress"]["idle_timeout"].text == "1500ms")
        #expect(json["ingress"]["tls"]["key"].text == "env:K")
        #expect(json["subscriptions"].elements.first?["mode"]["batch"]["every"].text == "250ms")
    }

    @Test func `a literal secret is never printed`() throws {
        let yaml = "sources: [{ name: a, provider: mux, secrets: [{ value: \"literal:topsecret\" }] }]"
        let configuration = try TributaryConfiguration.decode(yaml, file: "/etc/t.yaml")
        #expect(!configuration.json.json.text.contains("topsecret"))
        let other = try TributaryConfiguration.decode(yaml.replacing("topsecret", with: "other"), file: "/etc/t.yaml")
        #expect(ConfigurationChange.between(configuration, other).map(\.sentence) == ["source a: secrets changed"])
    }
}
