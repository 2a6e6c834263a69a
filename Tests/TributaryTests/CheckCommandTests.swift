import JSON
import PipelineConfiguration
import Testing

@testable import Tributary

@Suite struct CheckCommandTests {
    private func configuration() throws -> TributaryConfiguration {
        let yaml = """
            sources:
              - { name: app, provider: stream, secrets: [{ id: key, value: "env:STREAM_SECRET" }] }
              - name: rooms
                provider: fishjam
                allow_addresses: [192.0.2.0/24]
                path_tokens: [{ id: old, value: "file:/t", not_after: 2024-01-01T00:00:00Z }]
              - { name: open, provider: superviz, ids: generated, verification: none }
            """
        return try TributaryConfiguration.decode(yaml, file: "/etc/t.yaml")
    }

    @Test func `every source is shown with what proves its webhooks`() throws {
        #expect(
            CheckCommand.text(try configuration(), file: "t.yaml") == """
                OK: t.yaml has no errors
                source  provider  verified by          keys
                app     stream    stream               key (env:STREAM_SECRET)
                rooms   fishjam   path-token, address  old (file:/t until 2024-01-01T00:00:00.000000Z)
                open    superviz  none
                subscriptions: none
                """)
    }

    @Test func `open sources and secrets that have ended are warned of`() throws {
        let sources = try configuration().sources
        let ended = "source rooms: none of its path_tokens counts today, so all webhooks are refused"
        let open = "source open is not verified (verification: none): anyone who knows the URL can send events"
        #expect(SourceWarnings.of(sources, nowNanoseconds: 1_700_000_000_000_000_000) == [open])
        #expect(SourceWarnings.of(sources, nowNanoseconds: 1_800_000_000_000_000_000) == [ended, open])
    }

    @Test func `the decoded sources say what they name to verify, and how they are mapped`() throws {
        let json = try #require(JSONValue.read(try configuration().json.json.bytes))
        let sources = json["sources"].elements
        #expect(sources.map { $0["verification"].text } == ["", "", "none"])
        #expect(sources[1]["path_tokens"].elements.first?["not_after"].text == "2024-01-01T00:00:00.000000Z")
        #expect(sources.map { $0["ids"].text } == ["", "", "generated"])
        #expect(json["ingress"]["public_url"] == .null)
        #expect(json["ingress"]["tls"] == .null)
        #expect(json["router"]["api_tokens"] == .array([]))
    }

    @Test func `TLS, tokens, proxy and plain http are shown, secrets as references`() throws {
        let yaml = """
            ingress: { tls: { certificate: "file:/i.pem", key: "file:/i.key" } }
            router:
              listen: 127.0.0.1:8443
              tls: { certificate: "file:/r.pem", key: "env:KEY" }
              api_tokens: ["env:OPS", { name: board, value: "file:/board", scopes: [read] }]
              egress_proxy: { url: "http://proxy:3128", username: me, password: "env:PROXY" }
              allow_http: true
              file_destinations: /srv/audit
            sources: []
            subscriptions:
              - name: app
                url: https://a.example/
                signing: { scheme: none }
                tls: { ca: "file:/ca.pem" }
            """
        let configuration = try TributaryConfiguration.decode(yaml, file: "/etc/t.yaml")
        let json = try #require(JSONValue.read(configuration.json.json.bytes))
        #expect(json["ingress"]["tls"].json.text == #"{"certificate":"file:/i.pem","key":"file:/i.key"}"#)
        let router = json["router"]
        #expect(router["tls"]["key"].text == "env:KEY")
        #expect(
            router["api_tokens"].json.text == """
                [{"name":"token-1","scopes":["read","write","replay"],"value":"env:OPS"},\
                {"name":"board","scopes":["read"],"value":"file:/board"}]
                """)
        #expect(
            router["egress_proxy"].json.text
                == #"{"url":"http://proxy:3128","username":"me","password":"env:PROXY"}"#)
        #expect(router["allow_http"] == .bool(true) && router["file_destinations"].text == "/srv/audit")
        #expect(
            json["subscriptions"].elements[0]["tls"].json.text
                == #"{"ca":"file:/ca.pem"}"#)
        #expect(
            CheckCommand.text(configuration, file: "t.yaml").hasSuffix(
                "control API: https://127.0.0.1:8443 for token-1 (read, write, replay), board (read)"))
    }
}
