import ArgumentParser
import Events
import Executable
import JSON
import Normalisation
import Testing
import Verification
import VerificationSchemes
import WebhookSamples

@testable import Tributary

/// `tributary verify`, called as the command line would call it.
@Suite struct VerifyCommandTests {
    let folder: CommandFolder
    let body = #"{"type":"call.created","created_at":"2026-10-05T14:49:14.142187951Z","call_cid":"default:42"}"#

    init() throws {
        folder = try CommandFolder()
    }

    /// The report on a body with these arguments.
    private func report(_ arguments: [String], body: [UInt8]) throws -> VerifyReport {
        let file = try folder.file("body", body)
        return try VerifyCommand.parse(arguments + ["--body", file]).report()
    }

    private func secret(_ text: String, _ name: String = "secret") throws -> [String] {
        ["--secret", "file:" + (try folder.file(name, text))]
    }

    /// Header fields of a genuine webhook, as arguments.
    private func signed(
        _ provider: String, secret: [UInt8], body: [UInt8], at seconds: Int64 = 1_791_211_754, id: String = "key"
    ) throws -> [String] {
        let verification = try Signers.verification(provider, id: id, secret: secret)
        let request = SourceSigner.fields(
            for: body, verification: verification, key: verification.keys.keys[0], webhookID: "w-1",
            atNanoseconds: seconds * 1_000_000_000)
        return request.fields.flatMap { ["--header", "\($0.name): \($0.value)"] } + ["--at", "\(seconds)"]
    }

    @Test func `every published signature vector is verified`() throws {
        let read = JSON.JSONValue.read(Array(try SampleLibrary.contents("other-signature-vectors.json")))
        let vectors = try #require(read).elements
        #expect(vectors.count == 10)
        for vector in vectors {
            let name = vector["provider"].text
            let body = Array(vector["body"].text.utf8)
            var arguments = ["--provider", name == "twilio-json" ? "twilio" : name, "--at", "1791211759"]
            if name == "100ms" {
                arguments += ["--verification", "header:X-Hook", "--header", "X-Hook: a shared word"]
                arguments += try secret("a shared word")
            } else {
                if case .object(let fields) = vector["headers"] {
                    arguments += fields.flatMap { ["--header", "\($0.name): \($0.value.text)"] }
                }
                let text = vector["secret"].text
                arguments += try secret(text.isEmpty ? vector["secret_base64"].text : text)
            }
            if !vector["api_key"].text.isEmpty { arguments += ["--secret-id", vector["api_key"].text] }
            if !vector["url"].text.isEmpty { arguments += ["--url", vector["url"].text] }
            let genuine = try report(arguments, body: body)
            #expect(genuine.isGenuine, "\(name): \(genuine.text)")
            #expect(genuine.text.hasPrefix("genuine: "))
            guard name != "100ms" else { continue }
            let changed = try report(arguments, body: body + [UInt8(ascii: " ")])
            #expect(!changed.isGenuine, "\(name): \(changed.text)")
        }
    }

    @Test func `Zoom's challenge is answered and Daily's probe needs no signature`() throws {
        let challenge = #"{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}"#
        let zoom = try ["--provider", "zoom"] + secret("zoom_test_secret_token")
        let handshake = try report(zoom, body: Array(challenge.utf8))
        #expect(handshake.isGenuine && handshake.isHandshake)
        #expect(handshake.text.hasPrefix("handshake: ") && !handshake.text.contains("failed"))
        let probe = try report(["--provider", "daily"] + secret("aGVsbG8="), body: Array(#"{"test":"test"}"#.utf8))
        #expect(probe.isGenuine && probe.isProbe)
        #expect(probe.text.hasPrefix("probe: "))
    }

    @Test func `a wrong secret is a mismatch that nothing explains`() throws {
        let bytes = Array(body.utf8)
        let arguments =
            try ["--provider", "stream"] + signed("stream", secret: [1, 2, 3], body: bytes) + secret("other")
        let report = try report(arguments, body: bytes)
        #expect(report.explanation.code == .signatureMismatch)
        #expect(report.explanation.likelyCauses.isEmpty)
        #expect(report.text.contains("none of the usual mistakes explains it"))
        #expect(report.explanation.signed?.byteCount == bytes.count)
    }

    /// A mistake: what the command is given, and words of the explanation.
    enum Mistake: String, CaseIterable, Sendable {
        case undecodedSecret, reserialisedBody, trailingNewline, staleTime, wrongKeyID, compressedAfterSigning
    }

    /// What the command is given, and what it must say.
    private struct Case {
        let arguments: [String]
        let body: [UInt8]
        let words: String
        var code = "signature_mismatch"
    }

    private func example(_ mistake: Mistake) throws -> Case {
        let bytes = Array(body.utf8)
        let plain = Array("a stream api secret".utf8)
        switch mistake {
        case .undecodedSecret:
            // Signed with the text of the secret, verified as FastPix documents it.
            let text = "ZmFzdHBpeC10ZXN0LXNpZ25pbmctc2VjcmV0LTMyYiE="
            let scheme = try Signers.verification("fastpix").scheme
            let verification = SourceVerification(
                source: "fastpix", scheme: scheme, keys: SourceKeys([SourceKey(id: "0", bytes: Array(text.utf8))]))
            let request = SourceSigner.fields(
                for: bytes, verification: verification, key: verification.keys.keys[0], webhookID: "w",
                atNanoseconds: 0)
            let fields = request.fields.flatMap { ["--header", "\($0.name): \($0.value)"] }
            return Case(
                arguments: try ["--provider", "fastpix"] + fields + secret(text), body: bytes,
                words: "instead of being base64-decoded")
        case .reserialisedBody:
            let spaced = Array(body.replacing(":\"", with: ": \"").replacing("\",", with: "\", ").utf8)
            return Case(arguments: try stream(signing: bytes, plain), body: spaced, words: "re-serialised")
        case .trailingNewline:
            return Case(
                arguments: try stream(signing: bytes, plain), body: bytes + [10], words: "line break at the end")
        case .staleTime:
            let fields = try signed("mux", secret: plain, body: bytes, at: 1_791_211_754).dropLast(2)
            return Case(
                arguments: try ["--provider", "mux", "--at", "1791212754"] + fields + secret("a stream api secret"),
                body: bytes, words: "age is not looked at", code: "timestamp_outside_tolerance")
        case .wrongKeyID:
            return Case(
                arguments: try stream(signing: bytes, plain) + ["--secret-id", "another-app"], body: bytes,
                words: "another secret of this source", code: "key_unknown")
        case .compressedAfterSigning:
            // FastPix signs what is on the wire; here somebody compressed it on the way.
            let secret = SampleLibrary.fastPixSecret
            let fields = try signed("fastpix", secret: secret, body: bytes)
            return Case(
                arguments: try ["--provider", "fastpix"] + fields
                    + self.secret(String(decoding: secret, as: UTF8.self)),
                body: Gzip.compress(bytes), words: "inflated")
        }
    }

    private func stream(signing body: [UInt8], _ secret: [UInt8]) throws -> [String] {
        try ["--provider", "stream"] + signed("stream", secret: secret, body: body)
            + self.secret(String(decoding: secret, as: UTF8.self))
    }

    @Test(arguments: Mistake.allCases)
    func `a typical mistake is named`(_ mistake: Mistake) throws {
        let example = try example(mistake)
        let code = example.code
        let report = try report(example.arguments, body: example.body)
        #expect(report.explanation.code?.rawValue == code, "\(report.text)")
        #expect(report.explanation.likelyCauses.contains { $0.contains(example.words) }, "\(report.text)")
        #expect(report.json.text.contains("\"code\":\"\(code)\""))
        #expect(report.json.text.contains("\"verified\":false"))
        #expect(!report.text.contains("stream api secret"))
    }

    @Test func `what was captured earlier is told to name its time`() throws {
        let bytes = Array(body.utf8)
        let fields = try signed("mux", secret: [120], body: bytes).dropLast(2)
        let report = try report(["--provider", "mux"] + fields + secret("x"), body: bytes)
        #expect(report.explanation.code == .timestampOutsideTolerance)
        #expect(report.likelyCauses.first?.contains("--at") ?? false)
    }

    @Test func `a missing header is the step that failed`() throws {
        let report = try report(["--provider", "mux"] + secret("x"), body: Array(body.utf8))
        #expect(report.explanation.code == .signatureMissing)
        #expect(report.explanation.steps.contains { $0.answer == .failed && $0.seen.contains("mux-signature") })
        #expect(report.text.contains("not reached"))
    }

    @Test func `a webhook that Stream compressed is genuine`() throws {
        let bytes = Array(body.utf8)
        let secret = Array("a stream api secret".utf8)
        let report = try report(stream(signing: bytes, secret), body: Gzip.compress(bytes))
        #expect(report.isGenuine, "\(report.text)")
        #expect(report.explanation.keyID == "key")
        #expect(report.text.contains("of gzip"))
    }

    @Test func `a source is judged as the configuration says, and by a new secret where one is named`() throws {
        let bytes = Array(body.utf8)
        let config = try folder.file(
            "tributary.yaml",
            """
            ingress: { listen: "127.0.0.1:18099", max_body_bytes: 2048 }
            sources:
              - { name: calls, provider: stream, secrets: [{ id: key, value: "literal:first" }] }
              - { name: rooms, provider: fishjam, path_token: "literal:t-1" }
            """)
        func verify(_ source: String, _ more: [String], _ body: [UInt8]) throws -> VerifyReport {
            try report(["--source", source, "--config", config] + more, body: body)
        }
        let first = try signed("stream", secret: Array("first".utf8), body: bytes)
        let second = try signed("stream", secret: Array("second".utf8), body: bytes)
        #expect(try verify("calls", first, bytes).isGenuine)
        #expect(try !verify("calls", second, bytes).isGenuine)
        #expect(try verify("calls", second + secret("second"), bytes).isGenuine)
        let token = ["--path-token", "file:" + (try folder.file("token", "t-1\n"))]
        let peer = try #require(FishjamSamples.body(of: "peer_connected"))
        #expect(try verify("rooms", token, peer).isGenuine)
        #expect(try verify("rooms", [], peer).explanation.code == .tokenMissing)
        let large = [UInt8](repeating: 0x20, count: 2049)
        let failure = #expect(throws: StageFailure.self) { try verify("calls", first, large) }
        #expect(failure?.sentence.hasPrefix("body_too_large: ") ?? false)
        let unknown = #expect(throws: StageFailure.self) { try verify("cals", first, bytes) }
        #expect(unknown?.status == .usage)
        #expect(unknown?.sentence.contains("did you mean \"calls\"?") ?? false)
    }

    @Test func `head and query come from a file with a request line`() throws {
        let vectors = JSON.JSONValue.read(Array(try SampleLibrary.contents("other-signature-vectors.json")))
        let vector = try #require(vectors?.elements.first { $0["provider"].text == "twilio-json" })
        let head = try folder.file(
            "head",
            """
            POST /in/twilio?\(vector["url"].text.split(separator: "?")[1]) HTTP/1.1\r
            Host: gw.example.com\r
            X-Twilio-Signature: \(vector["headers"]["X-Twilio-Signature"].text)\r
            content-type: application/json\r
            \r

            """)
        let report = try report(
            ["--provider", "twilio", "--url", "https://gw.example.com/in/twilio", "--headers-file", head]
                + secret(vector["secret"].text), body: Array(vector["body"].text.utf8))
        #expect(report.isGenuine, "\(report.text)")
    }

    @Test func `what is wrong on the command line has a stable word`() throws {
        let file = try folder.file("body", body)
        func code(_ arguments: [String]) throws -> String {
            let command = try VerifyCommand.parse(arguments + ["--body", file])
            let failure = #expect(throws: StageFailure.self, "\(arguments)") { try command.report() }
            return String(failure?.sentence.prefix { $0 != ":" } ?? "")
        }
        #expect(try code(["--provider", "strem"]) == "provider_unknown")
        #expect(try code(["--provider", "mux", "--secret", "hunter2"]) == "secret_not_a_reference")
        #expect(try code(["--provider", "mux", "--secret", "env:TRIBUTARY_NO_SUCH_VARIABLE"]) == "secret_not_set")
        #expect(try code(["--provider", "mux"]) == "secrets_missing")
        #expect(try code(["--provider", "livekit"] + secret("x")) == "secret_id_missing")
        #expect(try code(["--provider", "fastpix"] + secret("no base64")) == "secret_not_base64")
        #expect(try code(["--provider", "superviz"] + secret("x")) == "verification_missing")
        #expect(try code(["--provider", "superviz", "--verification", "hmac"]) == "verification_unknown")
        #expect(try code(["--provider", "mux", "--header", "no colon"] + secret("x")) == "header_malformed")
        #expect(try code(["--provider", "mux", "--url", "https://h/x"] + secret("x")) == "url_malformed")
        #expect(try code(["--provider", "mux", "--url", "https://h/in/a/tok"] + secret("x")) == "url_holds_a_token")
        #expect(try code(["--source", "a", "--config", "/nonexistent.yaml"]).isEmpty == false)
        for arguments in [["--provider", "mux", "--source", "a"], [], ["--provider", "mux", "--at", "yesterday"]] {
            #expect(throws: (any Error).self, "\(arguments)") { try VerifyCommand.parse(arguments) }
        }
    }

    @Test func `nothing asked is nothing proved, and is said so`() throws {
        let report = try report(["--provider", "eyeson-streamrec"], body: Array("{}".utf8))
        #expect(report.isGenuine)
        #expect(report.text.hasPrefix("unverified: nothing is asked of eyeson-streamrec"))
    }
}
