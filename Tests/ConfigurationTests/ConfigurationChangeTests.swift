import Executable
import PipelineConfiguration
import Testing

@Suite struct ConfigurationChangeTests {
    private static let yaml = """
        run_dir: r
        ingress: { listen: "127.0.0.1:8080", idle_timeout: 75s }
        normaliser: { instances: 2 }
        router: { retention: 2h, egress_allow: ["127.0.0.0/8"], listen: "127.0.0.1:8081", api_tokens: ["env:T"] }
        sources:
          - { name: stream, provider: stream, secrets: [{ id: k, value: "env:A" }] }
          - { name: rooms, provider: fishjam, path_token: "literal:abc" }
        subscriptions:
          - name: my-app
            url: "https://example.com/a"
            signing: { scheme: standard-webhooks, secrets: ["env:S"] }
        """

    /// `sentence [stages] effect` for every difference after replacing texts of the file.
    private func changes(_ replacements: (String, String)...) throws -> [String] {
        let old = try TributaryConfiguration.decode(Self.yaml, file: "/etc/t.yaml")
        var text = Self.yaml
        for (old, new) in replacements {
            #expect(text.contains(old))
            text = text.split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
        }
        let new = try TributaryConfiguration.decode(text, file: "/etc/t.yaml")
        return ConfigurationChange.between(old, new).map {
            "\($0) \($0.stages.map(\.rawValue)) \($0.effect.rawValue)"
        }
    }

    @Test func `quotas and answers count in place`() throws {
        let limits = "ingress: { quotas: { refused: { requests_per_second: 7 } },"
        #expect(
            try changes(
                ("ingress: {", limits),
                ("path_token: \"literal:abc\"", "path_token: \"literal:abc\", quota: { burst: 1s }, answer: {}"))
                == [
                    "ingress.quotas.refused: 500/s, 65536 bytes/s, burst 10s → 7/s, 65536 bytes/s, burst 10s "
                        + "[\"ingress-gateway\"] in_place",
                    "source rooms: quota: none → 50000/s, 268435456 bytes/s, burst 1s [\"ingress-gateway\"] in_place",
                    "source rooms: answer changed [\"ingress-gateway\"] in_place",
                ])
    }

    @Test func `a comment changes nothing but the fingerprint`() throws {
        #expect(try changes(("run_dir: r", "run_dir: r # where")) == [])
        let (old, new) = (
            try TributaryConfiguration.decode("{}", file: "/t"), try TributaryConfiguration.decode("{} ", file: "/t")
        )
        // FNV-1a of the two bytes, as any other implementation computes it.
        #expect(old.fingerprint == "08f44b07b5901a25")
        #expect(old.fingerprint != new.fingerprint && new.fingerprint.count == 16)
    }

    @Test func `keys of stages are shown with both values and whom they concern`() throws {
        #expect(
            try changes(
                ("listen: \"127.0.0.1:8080\", idle_timeout: 75s", "listen: \"127.0.0.1:8090\", idle_timeout: 1500ms"),
                ("instances: 2", "instances: 3"), ("retention: 2h", "retention: 1d, file_destinations: /srv"),
                ("env:T", "env:OTHER"),
                ("run_dir: r", "run_dir: other"))
                == [
                    "run_dir: /etc/r → /etc/other [\"ingress-gateway\", \"ingress-connector\", \"verifier\", "
                        + "\"normaliser\", \"fanout-router\"] pipeline",
                    "ingress.listen: 127.0.0.1:8080 → 127.0.0.1:8090 [\"ingress-gateway\"] restart",
                    "ingress.idle_timeout: 75s → 1500ms [\"ingress-gateway\"] in_place",
                    "normaliser.instances: 2 → 3 [\"normaliser\"] instances",
                    "router.api_tokens changed [\"fanout-router\"] in_place",
                    "router.file_destinations: none → /srv [\"fanout-router\"] in_place",
                    "router.retention: 2h → 1d [\"fanout-router\"] in_place",
                ])
    }

    @Test func `sources are compared by name and part`() throws {
        #expect(
            try changes(
                ("id: k, value: \"env:A\"", "id: k, value: \"env:B\""), ("name: rooms", "name: halls"),
                ("sources:\n", "sources:\n  - { name: open, provider: superviz, verification: none }\n"))
                == [
                    "source rooms removed [\"ingress-gateway\", \"verifier\", \"normaliser\", \"fanout-router\"] "
                        + "in_place",
                    "source open added [\"ingress-gateway\", \"verifier\", \"normaliser\", \"fanout-router\"] in_place",
                    "source stream: secrets changed [\"verifier\"] in_place",
                    "source halls added [\"ingress-gateway\", \"verifier\", \"normaliser\", \"fanout-router\"] in_place",
                ])
        #expect(
            try changes(
                (
                    "provider: fishjam, path_token: \"literal:abc\"",
                    "provider: superviz, path_token: \"literal:abd\", allow_addresses: [192.0.2.1], ids: generated"
                ))
                == [
                    "source rooms: provider: fishjam → superviz [\"ingress-gateway\", \"verifier\", \"normaliser\"] "
                        + "in_place",
                    "source rooms: path_token changed [\"verifier\"] in_place",
                    "source rooms: allow_addresses: none → 192.0.2.1 [\"verifier\"] in_place",
                    "source rooms: ids: none → generated [\"normaliser\"] in_place",
                ])
    }

    @Test func `subscriptions are compared by name and key, and no secret is shown`() throws {
        #expect(
            try changes(
                ("https://example.com/a", "https://example.com/b"), ("\"env:S\"", "\"literal:x\""),
                (
                    "subscriptions:\n",
                    "subscriptions:\n  - { name: b, url: \"https://b.com\", signing: { scheme: none } }\n"
                ))
                == [
                    "subscription b added [\"fanout-router\"] in_place",
                    "subscription my-app: url: https://example.com/a → https://example.com/b [\"fanout-router\"] in_place",
                    "subscription my-app: secrets changed [\"fanout-router\"] in_place",
                ])
        #expect(
            try changes(
                (
                    "signing: { scheme: standard-webhooks, secrets: [\"env:S\"] }",
                    "signing: { scheme: none }\n    filter: { types: [a] }\n    rate_limit: 5\n    retry: stream\n"
                        + "    tls: { ca: \"file:x\" }"
                ))
                == [
                    "subscription my-app: signing changed [\"fanout-router\"] in_place",
                    "subscription my-app: tls changed [\"fanout-router\"] in_place",
                    "subscription my-app: filter changed [\"fanout-router\"] in_place",
                    "subscription my-app: retry: standard → stream [\"fanout-router\"] in_place",
                    "subscription my-app: rate_limit: none → 5 [\"fanout-router\"] in_place",
                ])
        #expect(
            try changes(("name: my-app", "name: other")).map { $0.split(separator: " [")[0] }
                == ["subscription my-app removed", "subscription other added"])
    }
}
