import Bus
import Events
import Executable
import PipelineConfiguration
import StageMetrics
import StageProcess
import Testing
import Verification
import VerificationSchemes
import WebhookSamples
import Wire

@testable import Verifier

struct VerifierWorkTests {
    private let registry = MetricRegistry(stage: "verifier", instance: "verifier-0", version: "1")

    private func configuration(_ sources: String) throws -> TributaryConfiguration {
        try TributaryConfiguration.decode("sources: [\(sources)]", file: "/t.yaml")
    }

    private func verifications(_ sources: String) throws -> [SourceVerification] {
        try configuration(sources).sources.map { source in
            try source.verification(publicURL: "") { reference throws(StageFailure) in
                do throws(SecretError) {
                    return try reference.resolve()
                } catch {
                    throw StageFailure(.configuration, error.sentence)
                }
            }
        }
    }

    private func work(_ box: VersionedBox<[SourceVerification]>) -> VerifierWork {
        VerifierWork(box, registry, maxInflatedBytes: 1 << 20)
    }

    /// The verdict on a webhook for `rooms` with that path token.
    private func verdict(_ work: inout VerifierWork, token: String, receivedAtNanoseconds: Int64 = 1) throws -> Verdict
    {
        var record = Record(
            source: "rooms", fields: [(":token", token)], body: [1], receivedAtNanoseconds: receivedAtNanoseconds)
        return try #require(try record.pass { work.process($0, appendingTo: &$1) })
    }

    @Test func `proofs are counted by source and key, and an open source is visible`() throws {
        let sources = """
            { name: rooms, provider: fishjam, path_tokens: [
              { id: old, value: "literal:aaaaaaaaaaaaaaaa" }, { value: "literal:bbbbbbbbbbbbbbbb" } ] },
            { name: open, provider: superviz, verification: none }
            """
        var work = work(VersionedBox(try verifications(sources)))
        #expect(try verdict(&work, token: "aaaaaaaaaaaaaaaa") == .accepted)
        #expect(try verdict(&work, token: "aaaaaaaaaaaaaaaa") == .accepted)
        #expect(try verdict(&work, token: "bbbbbbbbbbbbbbbb") == .accepted)
        #expect(try verdict(&work, token: "c").httpStatus == 401)
        let text = registry.render()
        #expect(text.contains(#"source="rooms",key="old"} 2"#))
        #expect(text.contains(#"source="rooms",key="1"} 1"#))
        #expect(text.contains(#"source="rooms",scheme="path-token"} 1"#))
        #expect(text.contains(#"source="open",scheme="none"} 1"#))
        #expect(text.contains(#"code="token_mismatch",source="rooms"} 1"#))
    }

    @Test func `during a rotation the old and the new secret of one id are told apart`() throws {
        let sources = """
            { name: rooms, provider: stream, secrets: [
              { id: app, value: "literal:the-secret-until-now" }, { id: app, value: "literal:the-secret-from-now" } ] }
            """
        let verifications = try verifications(sources)
        var work = work(VersionedBox(verifications))
        for (key, count) in [(verifications[0].keys.keys[1], 2), (verifications[0].keys.keys[0], 1)] {
            for _ in 0..<count {
                let signed = SourceSigner.fields(
                    for: [1], verification: verifications[0], key: key, webhookID: "w", atNanoseconds: 1)
                var record = Record(source: "rooms", fields: signed.fields, body: [1])
                #expect(try record.pass { work.process($0, appendingTo: &$1) } == .accepted)
                let section = try #require(try record.section(.verification))
                #expect(
                    try section.withUnsafeBytes { try Verification(section: $0) }
                        == Verification(scheme: "stream", keyID: count == 2 ? "app#2" : "app"))
            }
        }
        #expect(registry.render().contains(#"source="rooms",key="app#2"} 2"#))
        #expect(registry.render().contains(#"source="rooms",key="app"} 1"#))
        let notices = SourceNotices.of(try configuration(sources).sources, verifications)
        #expect(notices.map(\.sentence) == ["source rooms is verified by stream; keys app, app#2"])
    }

    @Test func `a challenge is answered with 200 and its reply`() throws {
        let sources = #"{ name: rooms, provider: zoom, secrets: [{ value: "literal:zoom_test_secret_token" }] }"#
        var work = work(VersionedBox(try verifications(sources)))
        let body =
            #"{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1}"#
        var record = Record(source: "rooms", fields: [], body: Array(body.utf8))
        let verdict = try #require(try record.pass { work.process($0, appendingTo: &$1) })
        #expect(verdict.httpStatus == 200 && verdict.code.isEmpty)
        #expect(
            String(decoding: verdict.reply, as: UTF8.self)
                .contains("8d4dd13bef79e3935d4da689b9e1bb2f36cd7182ef1655edf4b46b51d8119c93"))
        #expect(try record.events().isEmpty)
    }

    @Test func `after new secrets were read, earlier webhooks may be proved by the former ones`() throws {
        func source(_ token: String) -> String {
            "{ name: rooms, provider: fishjam, path_token: \"literal:\(token)\" }"
        }
        let box = VersionedBox(try verifications(source("former-former-former")))
        var work = work(box)
        box.replace(try verifications(source("newest-newest-newest")))
        work.betweenBatches()
        // A reload for another reason changes nothing about that.
        box.replace(try verifications(source("newest-newest-newest")))
        work.betweenBatches()
        let later = wallNanoseconds() + 60_000_000_000
        #expect(try verdict(&work, token: "former-former-former") == .accepted)
        #expect(try verdict(&work, token: "newest-newest-newest", receivedAtNanoseconds: later) == .accepted)
        #expect(try verdict(&work, token: "former-former-former", receivedAtNanoseconds: later).httpStatus == 401)
    }

    @Test func `a source is known from the reload that adds it to a while after the one that removes it`() throws {
        let box = VersionedBox<[SourceVerification]>([])
        var work = work(box)
        #expect(try verdict(&work, token: "t").code == "source_unknown")
        box.replace(try verifications("{ name: rooms, provider: fishjam, path_token: \"literal:a-token-of-rooms\" }"))
        work.betweenBatches()
        #expect(try verdict(&work, token: "a-token-of-rooms") == .accepted)
        #expect(registry.render().contains(#"source="rooms",key="0"} 1"#))
        box.replace([])
        work.betweenBatches()
        let now = wallNanoseconds()
        let grace = VerifierWork.removalGraceNanoseconds
        #expect(try verdict(&work, token: "a-token-of-rooms", receivedAtNanoseconds: now + grace / 2) == .accepted)
        #expect(try verdict(&work, token: "another", receivedAtNanoseconds: now).code == "source_unknown")
        let late = try verdict(&work, token: "a-token-of-rooms", receivedAtNanoseconds: now + 2 * grace)
        #expect(late.code == "source_unknown")
    }

    @Test func `the log names every source's verification, open ones and weak keys as warnings`() throws {
        let sources = """
            { name: stream, provider: stream, secrets: [{ id: app, value: "literal:short" }],
              path_token: "literal:aaaaaaaaaaaaaaaa", allow_addresses: [192.0.2.1] },
            { name: open, provider: superviz, verification: none },
            { name: near, provider: superviz, allow_addresses: [192.0.2.1] }
            """
        let notices = SourceNotices.of(try configuration(sources).sources, try verifications(sources))
        #expect(
            notices == [
                .init(
                    isWarning: false, sentence: "source stream is verified by stream, path-token, address; keys app, 0"),
                .init(
                    isWarning: true,
                    sentence: "source stream: key app has 5 bytes, which can be guessed; use at least 16"),
                .init(
                    isWarning: true,
                    sentence: "source open is not verified (verification: none): anyone who knows the URL can send "
                        + "events"),
                .init(isWarning: false, sentence: "source near is verified by address"),
            ])
    }

    @Test func `a secret that its scheme cannot use names source and list, never the secret`() {
        let failure = #expect(throws: StageFailure.self) {
            try verifications(#"{ name: plain, provider: fastpix, secrets: [{ value: "literal:no base64" }] }"#)
        }
        #expect(failure?.sentence.hasPrefix("source plain, secrets: secret 0 ") == true)
        #expect(failure?.sentence.contains("no base64") == false && failure?.status == .configuration)
    }
}
