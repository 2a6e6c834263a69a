import Primitives
import Testing
import WebhookSamples

@testable import Providers
@testable import Verification
@testable import VerificationSchemes

struct SourceSignerTests {
    private let now: Int64 = 1_791_211_754_123_456_789

    static let schemes: [VerificationScheme] =
        SchemePresets.names.compactMap { SchemePresets.scheme(named: $0) }
        + [
            VerificationScheme("token", .token(.field("x-token", prefix: "Token "))),
            VerificationScheme("q", .token(.query("key"))),
            VerificationScheme("b", .token(.basic)),
            VerificationScheme(
                "custom",
                .signature(
                    SignatureScheme(
                        [SignatureField(.hmacSHA512, field: "x-hub", .base64, prefix: "sha512=")], keyForm: .hex,
                        content: [.field("x-id"), .literal("|"), .url, .literal("|"), .timestamp, .body],
                        timestamp: TimestampField(field: "x-time", unit: .milliseconds), toleranceSeconds: 1,
                        keyField: "x-key", signsInflatedBody: true))),
        ]

    private func verification(_ scheme: VerificationScheme) throws -> SourceVerification {
        let secret = scheme.name == "custom" ? "00ff" : scheme.name == "b" ? "user:pässword" : "c2VjcmV0"
        let secrets = scheme.proof == .none ? [] : [SourceSecret(id: "key1", value: Array(secret.utf8))]
        return SourceVerification(
            source: "acme", scheme: scheme, keys: try SourceKeyring.keys(secrets, for: scheme, provider: "acme"),
            publicURL: "https://gw.example.com:8443/base/")
    }

    @Test(arguments: schemes) func `what the signer signs is verified`(scheme: VerificationScheme) throws {
        for withToken in [false, true] {
            var verification = try verification(scheme)
            if withToken, scheme.proof != .token(.path) {
                verification.pathTokens = SourceKeys([
                    SourceKey(id: "old", bytes: [1], validity: KeyValidity(notAfterNanoseconds: 1)),
                    SourceKey(id: "t", bytes: Array("tökén /?%".utf8)),
                ])
            }
            let key = verification.keys.keys.first ?? SourceKey(id: "none", bytes: [])
            for body in [#"{"a":[1,2]}"#, "", "a=1&b=%C3%A9+x", "\u{0}ü"] {
                let request = SourceSigner.fields(
                    for: Array(body.utf8), verification: verification, key: key, webhookID: "w1", atNanoseconds: now)
                let vector = SignedVector(verification, request, body: Array(body.utf8), atNanoseconds: now)
                let expected = scheme.proof == .none ? (withToken ? "t" : "none") : "key1"
                #expect(try vector.outcome() == .verified(keyID: expected), "\(scheme.name): \(body)")
                #expect(request.fields.allSatisfy { $0.name == $0.name.lowercased() })
                #expect(Set(request.fields.map(\.name)).count == request.fields.count)
            }
        }
    }

    @Test func `requests look as their senders make them`() throws {
        func request(_ name: String, _ body: String) throws -> SignedRequest {
            let verification = try verification(try #require(SchemePresets.scheme(named: name)))
            return SourceSigner.fields(
                for: Array(body.utf8), verification: verification, key: verification.keys.keys[0], webhookID: "w1",
                atNanoseconds: now)
        }
        #expect(try request("stream", "{}").fields.map(\.name) == ["x-webhook-id", "x-api-key", "x-signature"])
        #expect(try request("stream", "{}").fields[0].value == "w1")
        let mux = try request("mux", "{}").fields
        #expect(mux.count == 1 && mux[0].value.hasPrefix("t=1791211754,v1="))
        #expect(try request("cloudflare-stream", "{}").fields[0].value.hasPrefix("time=1791211754,sig1="))
        #expect(try request("daily", "{}").fields.first { $0.name.hasSuffix("timestamp") }?.value == "1791211754123")
        #expect(
            try request("standard-webhooks", "{}").fields.map(\.name) == [
                "webhook-timestamp", "webhook-id", "webhook-signature",
            ])
        #expect(try request("zoom", "{}").fields.last?.value.hasPrefix("v0=") == true)
        #expect(try request("fishjam", "x").fields.last?.value.hasPrefix("sha256=") == true)
        #expect(try request("twilio", "{}").query.hasPrefix("bodySHA256=44136fa355b3678a"))
        #expect(try request("twilio", "a=1").query.isEmpty)
        #expect(try request("path-token", "{}").pathToken == "c2VjcmV0")
        #expect(try request("livekit", "{}").fields[0].value.split(separator: ".").count == 3)
        #expect(try request("agora", "{}").fields.map(\.name) == ["agora-signature", "agora-signature-v2"])
    }

    @Test(arguments: ["stream", "fastpix"])
    func `a recorded body gets the signature that its provider gave it`(_ name: String) throws {
        let scheme = try #require(SchemePresets.scheme(named: name))
        let secret =
            name == "stream"
            ? SourceSecret(id: SampleLibrary.streamAPIKey, value: SampleLibrary.streamSecret)
            : SourceSecret(value: SampleLibrary.fastPixSecret)
        let keys = try SourceKeyring.keys([secret], for: scheme, provider: name)
        let verification = SourceVerification(source: "s", scheme: scheme, keys: keys)
        let samples = try SampleLibrary.samples(of: name)
        #expect(samples.count >= 20)
        for sample in samples {
            let request = SourceSigner.fields(
                for: sample.body, verification: verification, key: keys.keys[0], webhookID: "w", atNanoseconds: 1)
            for (field, value) in request.fields where field.hasSuffix("signature") {
                #expect(sample.fields.first { $0.name.lowercased() == field }?.value == value, "\(sample)")
            }
        }
    }
}
