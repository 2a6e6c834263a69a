import Events
import Testing
import WebhookSamples

@testable import Providers
@testable import Verification
@testable import VerificationSchemes

struct ExplanationTests {
    private func explain(_ vector: SignedVector) throws -> VerificationExplanation {
        try vector.record.withView { view in
            VerificationExplanation(
                vector.verification, try #require(AcceptedWebhook(view)), maxInflatedBytes: 1 << 20)
        }
    }

    private func vector(_ name: String) throws -> SignedVector {
        try #require(try SignedVector.byFormulas().first { $0.description == name })
    }

    @Test func `what is verified has every step passed, and what was signed`() throws {
        for vector in try SignedVector.all() {
            let explanation = try explain(vector)
            #expect(explanation.isVerified && explanation.likelyCauses.isEmpty)
            #expect(explanation.steps.allSatisfy { $0.answer == .passed }, "\(vector)")
            #expect(explanation.keyID == vector.verification.keys.keys[0].id)
            if case .signature = vector.verification.scheme.proof { #expect(explanation.signed != nil) }
        }
        let signed = try #require(try explain(vector("zoom")).signed)
        #expect(signed.template == "`v0:` {time stamp} `:` {body}")
        #expect(signed.byteCount == (try vector("zoom").body.count) + 14 && signed.sha256.count == 64)
    }

    @Test func `the failed step is named, and those behind it are not reached`() throws {
        let late = try vector("zoom").with { $0.receivedAtNanoseconds += 1000 * SignedVector.second }
        let explanation = try explain(late)
        #expect(explanation.code == .timestampOutsideTolerance)
        #expect(
            explanation.steps.map(\.answer) == [.passed, .passed, .failed, .notReached, .notReached]
                && explanation.steps[2].name == "time stamp")
        #expect(explanation.steps[2].seen.contains("1005 s before receipt"))
        #expect(explanation.likelyCauses.first?.contains("age is not looked at") == true)
    }

    /// The first cause that is found for a webhook signed with `scheme` and `secret`, and then changed.
    private func cause(
        _ scheme: VerificationScheme, signedWith secret: String, configured: String,
        body: String = #"{"a":"é","b":[1,2]}"#,
        _ change: (inout SignedVector) -> Void = { _ in }
    ) throws -> String {
        let sender = SourceVerification(
            source: "acme", scheme: scheme,
            keys: SourceKeys([SourceKey(id: "k", bytes: Array(secret.utf8))]), publicURL: "https://gw.example.com")
        let time = 1_791_211_754 * SignedVector.second
        let request = SourceSigner.fields(
            for: Array(body.utf8), verification: sender, key: sender.keys.keys[0], webhookID: "w", atNanoseconds: time)
        let secrets = [SourceSecret(id: "k", value: Array(configured.utf8))]
        var receiver = sender
        receiver.keys = try SourceKeyring.keys(secrets, for: scheme, provider: "acme")
        var vector = SignedVector(receiver, request, body: Array(body.utf8), atNanoseconds: time)
        change(&vector)
        let explanation = try explain(vector)
        #expect(!explanation.isVerified)
        #expect(explanation.likelyCauses.allSatisfy { !$0.contains(configured) && !$0.contains(secret) })
        return explanation.likelyCauses.first ?? ""
    }

    @Test func `a secret used in the wrong way is found`() throws {
        let text = "c2VjcmV0IG9mIDI0IGNoYXJhY3RlcnM="
        let plain = "secret of 24 characters"
        #expect(
            try cause(SchemePresets.daily, signedWith: text, configured: text).contains(
                "instead of being base64-decoded"))
        #expect(
            try cause(SchemePresets.standardWebhooks, signedWith: "whsec_" + text, configured: "whsec_" + text)
                .contains("prefix `whsec_`"))
        #expect(try cause(SchemePresets.mux, signedWith: plain, configured: text).contains("is base64-decoded"))
        #expect(try cause(SchemePresets.mux, signedWith: plain, configured: plain + "\n").contains("line breaks"))
        #expect(try cause(SchemePresets.mux, signedWith: plain, configured: "\"\(plain)\"").contains("quotes"))
        #expect(
            try cause(SchemePresets.mux, signedWith: plain + "\n", configured: plain).contains("line break is added"))
        #expect(try cause(SchemePresets.liveKit, signedWith: plain, configured: plain + " ").contains("spaces"))
    }

    @Test func `a body that was changed on its way is found`() throws {
        let secret = "secret of 24 characters"
        for (body, words) in [
            ("{\"a\":\"é\",\"b\":[1,2]}\n", "taken away"), ("{ \"a\": \"é\",\n\"b\": [1, 2]}", "without spaces"),
        ] {
            #expect(
                try cause(SchemePresets.mux, signedWith: secret, configured: secret) { $0.body = Array(body.utf8) }
                    .contains(words))
        }
        #expect(
            try cause(
                SchemePresets.liveKit, signedWith: secret, configured: secret, body: "{\"a\": 1, \"b\": \"x:,y\"}"
            ) {
                $0.body = Array("{\"a\":1,\"b\":\"x:,y\"}".utf8)
            }.contains("space behind colons") == false)
        #expect(
            try cause(
                SchemePresets.agora, signedWith: secret, configured: secret, body: "{\"a\": \"\\u00e9\\ud83d\\ude00\"}"
            ) { $0.body = Array("{\"a\":\"é😀\"}".utf8) }.contains("json.dumps"))
        #expect(
            try cause(SchemePresets.mux, signedWith: secret, configured: secret) { $0.body = Gzip.compress($0.body) }
                .contains("inflated"))
    }

    @Test func `another spelling, algorithm or content is found`() throws {
        let secret = "secret of 24 characters"
        #expect(
            try cause(SchemePresets.zoom, signedWith: secret, configured: secret) {
                $0.fields[1].value = String($0.fields[1].value.dropFirst(3))
            }.contains("no prefix"))
        #expect(
            try cause(SchemePresets.twilio, signedWith: secret, configured: secret, body: "a=1") {
                $0.verification.publicURL = "http://gw.example.com"
            }.contains("https://"))
        #expect(
            try cause(SchemePresets.twilio, signedWith: secret, configured: secret, body: "a=1") {
                $0.verification.source = "acme"
                $0.fields.append((":query", "x=1"))
            }.contains("without its query"))
    }

    @Test func `two mistakes at once are found`() throws {
        let secret = "secret of 24 characters"
        let cause = try cause(SchemePresets.mux, signedWith: secret, configured: secret + "\n") { $0.body.append(0x0A) }
        #expect(cause.contains("taken away") && cause.contains(", and "))
    }

    @Test func `where nothing fits, nothing is claimed, and no secret is told`() throws {
        let cause = try cause(SchemePresets.twilio, signedWith: "another secret", configured: "s3cr3t-s3cr3t-s3cr3t")
        #expect(cause.isEmpty)
        let protected = try vector("agora").with {
            $0.verification.pathTokens = SourceKeys([SourceKey(id: "t", bytes: Array("s3cr3t".utf8))])
            $0.verification.addresses = ["10.0.0.0/8"]
            $0.fields.append((":token", "s3cr3t"))
            $0.fields.append((":peer", "10.0.0.1"))
        }
        let explanation = try explain(protected)
        #expect(explanation.steps.map(\.name).prefix(2) == ["address", "path token"])
        #expect(!"\(explanation)".contains("s3cr3t"))
    }
}
