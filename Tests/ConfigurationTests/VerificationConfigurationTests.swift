import Providers
import Testing
import VerificationSchemes

@testable import PipelineConfiguration

@Suite struct VerificationConfigurationTests {
    private func source(_ rest: String, ingress: String = "") throws -> SourceConfiguration {
        let yaml = """
            ingress: { \(ingress) }
            sources:
              - { name: a, \(rest) }
            """
        return try #require(try TributaryConfiguration.decode(yaml, file: "/etc/t.yaml").sources.first)
    }

    /// What is said about a source that is wrong.
    private func errors(_ rest: String, ingress: String = "") -> [String] {
        do {
            _ = try self.source(rest, ingress: ingress)
            return []
        } catch let errors as ConfigurationErrors {
            return errors.errors.map { "\($0.keyPath): \($0.sentence)" }
        } catch {
            return ["\(error)"]
        }
    }

    @Test(arguments: SchemePresets.names)
    func `every preset is a word`(_ name: String) throws {
        let proof = try #require(SchemePresets.scheme(named: name)).proof
        let secrets =
            switch proof {
            case .none: ""
            case .token(.path): "path_token: \"env:T\","
            case .signature, .jwt, .token: "secrets: [{ id: k, value: \"env:S\" }],"
            }
        let source = try self.source(
            "provider: generic, \(secrets) verification: \(name)", ingress: "public_url: \"https://gw.example.com\"")
        #expect(source.scheme == SchemePresets.scheme(named: name))
        #expect(source.isUnverified == (name == "none"))
    }

    static let spelledOut = [
        (
            "mux",
            """
            { scheme: hmac, label: mux, digest: sha256, key: text,
              signature: { header: Mux-Signature, encoding: hex, list: { pairs: v1 } },
              content: "{timestamp}.{body}", timestamp: { header: Mux-Signature, pair: t, unit: seconds }, tolerance: 5m }
            """
        ),
        (
            "standard-webhooks",
            """
            { scheme: hmac, label: standard-webhooks, key: standard-webhooks,
              signature: [
                { header: webhook-signature, encoding: base64, list: { versions: v1 } },
                { header: webhook-signature, algorithm: ed25519, encoding: base64, list: { versions: v1a } } ],
              content: "{header:webhook-id}.{timestamp}.{body}", timestamp: { header: webhook-timestamp } }
            """
        ),
        (
            "zoom",
            """
            { scheme: hmac, label: zoom, signature: { header: x-zm-signature, prefix: "v0=" },
              content: "v0:{timestamp}:{body}", timestamp: { header: x-zm-request-timestamp }, challenge: zoom }
            """
        ),
        (
            "daily",
            """
            { scheme: hmac, label: daily, key: base64, signature: { header: X-Webhook-Signature, encoding: base64 },
              content: "{timestamp}.{body}", timestamp: { header: X-Webhook-Timestamp, unit: milliseconds },
              tolerance: none }
            """
        ),
        (
            "twilio",
            """
            { scheme: hmac, label: twilio, digest: sha1,
              signature: [
                { header: X-Twilio-Signature, encoding: base64 },
                { header: X-Twilio-Signature, algorithm: hmac-sha256, encoding: base64 } ],
              content: "{url}{form}", body_digest_query: bodySHA256 }
            """
        ),
        (
            "livekit",
            """
            { scheme: jwt, label: livekit, header: Authorization, body_digest_claim: sha256, leeway: 1m,
              issuer_names_key: true }
            """
        ),
        (
            "stream",
            """
            { scheme: hmac, label: stream, signature: { header: X-SIGNATURE }, key_header: X-API-KEY, id_header: X-WEBHOOK-ID,
              signs_inflated_body: true }
            """
        ),
    ]

    @Test(arguments: spelledOut)
    func `a scheme spelled out is the preset`(_ name: String, _ text: String) throws {
        let source = try self.source(
            "provider: generic, secrets: [{ id: k, value: \"env:S\" }], verification: \(text)",
            ingress: "public_url: \"https://gw.example.com\"")
        #expect(source.scheme == SchemePresets.scheme(named: name))
    }

    @Test func `a preset or the provider's own scheme can be refined`() throws {
        let secrets = "secrets: [{ value: \"env:S\" }]"
        func signature(_ rest: String) throws -> SignatureScheme? {
            guard case .signature(let scheme) = try self.source(rest).scheme.proof else { return nil }
            return scheme
        }
        let preset = try signature("provider: generic, \(secrets), verification: { preset: mux, tolerance: 10m }")
        #expect(preset?.toleranceSeconds == 600 && preset?.timestamp?.pairKey == "t")
        let own = try signature("provider: mux, \(secrets), verification: { tolerance: none }")
        #expect(own?.toleranceSeconds == nil && own?.signatures.first?.field == "mux-signature")
        let digest = try signature("provider: generic, \(secrets), verification: { preset: mux, digest: sha512 }")
        #expect(digest?.signatures.map(\.algorithm) == [.hmacSHA512])
        let source = try self.source("provider: mux, \(secrets), verification: { tolerance: 1m, label: strict }")
        #expect(source.scheme.name == "strict")
    }

    @Test func `tokens travel in a header, the query, the path or as Basic`() throws {
        let secrets = "secrets: [{ value: \"env:S\" }]"
        func proof(_ verification: String) throws -> VerificationScheme.Proof {
            try self.source("provider: superviz, \(secrets), verification: \(verification)").scheme.proof
        }
        #expect(try proof("{ scheme: header, name: X-Token }") == .token(.field("x-token", prefix: "")))
        #expect(
            try proof("{ scheme: header, name: Authorization, prefix: \"Bearer \" }")
                == .token(.field("authorization", prefix: "Bearer ")))
        #expect(try proof("{ scheme: query, name: token }") == .token(.query("token")))
        #expect(try proof("{ scheme: basic }") == .token(.basic))
        let byPath = try self.source("provider: superviz, path_token: \"env:T\"")
        #expect(byPath.scheme == SchemePresets.pathToken && byPath.schemeText == "path-token")
        let both = try self.source("provider: mux, \(secrets), path_token: \"env:T\", allow_addresses: [192.0.2.0/24]")
        #expect(both.schemeText == "mux, path-token, address" && both.pathTokens.count == 1)
        let byAddress = try self.source("provider: eyeson-streamrec, allow_addresses: [192.0.2.7, \"2001:db8::/32\"]")
        #expect(byAddress.scheme.name == "address" && !byAddress.isUnverified)
        let open = try self.source("provider: fishjam, verification: none")
        #expect(open.isUnverified && open.schemeText == "none")
        let signed = try self.source("provider: fishjam, secrets: [{ value: \"env:S\" }]")
        #expect(signed.scheme.name == "fishjam")
    }

    @Test func `secrets and tokens have validity windows`() throws {
        let source = try self.source(
            """
            provider: fishjam, path_tokens: [
              { id: old, value: "env:A", not_after: 2026-12-01T00:00:00Z },
              { value: "env:B", not_before: "2026-11-01T01:00:00.5+01:00", not_after: 2261-01-01T00:00:00Z } ]
            """)
        #expect(source.pathTokens.map(\.id) == ["old", nil])
        #expect(source.pathTokens[0].validity.notAfterNanoseconds == 1_796_083_200_000_000_000)
        #expect(source.pathTokens[1].validity.notBeforeNanoseconds == 1_793_491_200_500_000_000)
    }

    @Test func `a source that nothing verifies is refused with what to do`() {
        #expect(
            errors("provider: superviz") == [
                "sources[0]: nothing proves where its webhooks come from, because superviz signs nothing; add "
                    + "path_token: \"env:NAME\" and put the token at the end of the URL, or allow_addresses, or a "
                    + "verification; or let everybody in with verification: none"
            ])
        #expect(errors("provider: fishjam").first?.contains("signs only where secrets are named") == true)
        #expect(
            errors("provider: mux") == [
                "sources[0].secrets: missing; expected at least one secret, because mux signs; where it does not, "
                    + "name another verification"
            ])
        #expect(
            errors("provider: superviz, secrets: [{ value: \"env:S\" }]") == [
                "sources[0].secrets: superviz signs nothing, so it must be said where the secret travels: "
                    + "verification: { scheme: header, name: X-Token } or { scheme: query, name: token }; "
                    + "or write it as path_token"
            ])
    }

    @Test func `a source whose clients call a path of their own has no path token, and names its secrets`() throws {
        let key = "secrets: [{ id: key123, value: \"env:S\" }]"
        #expect(
            errors("provider: stream-calls, \(key), path_token: \"env:T\"") == [
                "sources[0].path_token: clients of stream-calls call a path of their own behind the source, which has no "
                    + "room for a token; remove it"
            ])
        #expect(
            errors("provider: stream-calls, secrets: [{ value: \"env:S\" }]") == [
                "sources[0].secrets[0].id: missing; expected the API key, because the request names the secret by it"
            ])
        #expect(errors("provider: stream-calls").first?.contains("because stream-calls signs") == true)
        #expect(errors("provider: cloudevents").first?.contains("because cloudevents signs nothing") == true)
        #expect(
            errors("provider: stream-calls, \(key), max_body_bytes: 0") == [
                "sources[0].max_body_bytes: expected a whole number from 1 to 67108864, found \"0\""
            ])
        #expect(try self.source("provider: stream-calls, \(key)").maxBodyBytes == 5120)
        #expect(try self.source("provider: stream-calls, \(key), max_body_bytes: 102400").maxBodyBytes == 102_400)
        #expect(try self.source("provider: stream, \(key)").maxBodyBytes == nil)
        guard
            case .jwt(let token) = try self.source(
                "provider: stream-calls, \(key), verification: { leeway: 1m }"
            ).scheme.proof
        else {
            Issue.record("another proof")
            return
        }
        #expect(token.leewaySeconds == 60 && token.limits?.userClaim == "user_id" && token.keyParameter == "api_key")
    }

    @Test func `parts that contradict each other are refused`() {
        let secrets = "secrets: [{ value: \"env:S\" }]"
        #expect(
            errors("provider: mux, \(secrets), verification: none") == [
                "sources[0].secrets: verification: none checks nothing with them; remove one of both"
            ])
        #expect(
            errors("provider: mux, path_token: \"env:T\", verification: none") == [
                "sources[0].verification: none would let everybody in, but there is a path token; "
                    + "write verification: path-token"
            ])
        #expect(
            errors("provider: mux, \(secrets), verification: path-token") == [
                "sources[0].path_token: missing; expected env:NAME or file:PATH, because of verification: path-token",
                "sources[0].secrets: verification: path-token takes its tokens from path_tokens; move them there",
            ])
        #expect(
            errors("provider: generic, verification: mux") == [
                "sources[0].secrets: missing; expected at least one secret for verification: mux"
            ])
        #expect(
            errors("provider: superviz, path_token: \"env:T\", path_tokens: [{ value: \"env:U\" }]") == [
                "sources[0].path_token: path_tokens is there too; write all tokens there: path_tokens: [{ value: … }]"
            ])
        #expect(
            errors("provider: livekit, \(secrets)") == [
                "sources[0].secrets[0].id: missing; expected the API key, because the request names the secret by it"
            ])
        #expect(
            errors("provider: twilio, \(secrets)") == [
                "sources[0].provider: twilio signs the URL that a webhook is sent to; say how providers reach the "
                    + "ingress: ingress: { public_url: \"https://gw.example.com\" }"
            ])
        #expect(
            errors(
                "provider: mux, secrets: [{ value: \"env:S\", not_before: 2026-12-01T00:00:00Z, "
                    + "not_after: 2026-12-01T00:00:00Z }]") == [
                    "sources[0].secrets[0].not_after: must be later than not_before, or the secret never counts"
                ])
    }
}
