import EventLog
import Foundation
import JSON
import LibCrypto
import Primitives
import Testing
import Verification
import Wire

@testable import EventDelivery

/// Secrets of subscriptions of the API: made once, shown once, changed in peace.
@Suite(.serialized) struct SecretRotationTests {
    private func create(_ fixture: StoreFixture, _ subscriber: Subscriber, signing: String? = nil) throws -> JSONValue {
        let signing = signing.map { ", \"signing\": \($0)" } ?? ""
        let created = try fixture.ask(
            "POST", "/v1/subscriptions", "{\"name\": \"app\", \"url\": \"\(subscriber.url)\"\(signing)}")
        #expect(created.status == 201, "\(created.text)")
        return created.json
    }

    private func rotate(_ fixture: StoreFixture, _ body: String = "{}") throws -> StoreFixture.Answer {
        try fixture.ask("POST", "/v1/subscriptions/app/rotate-secret", body)
    }

    @Test func `old and new secret sign until the overlap is over, over a restart too`() async throws {
        let fixture = try StoreFixture()
        let subscriber = try Subscriber { _, _ in .status(200) }
        let old = try create(fixture, subscriber)["generated_secret"].text
        let rotated = try rotate(fixture, "{\"keep_old\": \"1h\"}").json
        let new = rotated["generated_secret"].text
        #expect(new.hasPrefix("whsec_") && new != old)
        #expect(rotated["keep_old_until"] != .null)
        fixture.receive(1)
        let first = try #require(try await subscriber.wait(for: 1).last)
        #expect(SignatureCheck.accepts(first, old) && SignatureCheck.accepts(first, new))
        try fixture.restart()
        fixture.receive(1)
        let second = try #require(try await subscriber.wait(for: 2).last)
        #expect(SignatureCheck.accepts(second, old) && SignatureCheck.accepts(second, new))
        let secrets = try fixture.show("app")["signing"]["secrets"].elements
        #expect(secrets.count == 2)
        #expect(secrets[0]["fingerprint"] == rotated["fingerprint"] && secrets[0]["not_after"] == .null)
        #expect(secrets[1]["not_after"] == rotated["keep_old_until"])

        fixture.ahead.move(by: .seconds(3601))
        fixture.stage.subscriptions.queue.sync { fixture.stage.subscriptions.expireSecrets() }
        fixture.receive(1)
        let third = try #require(try await subscriber.wait(for: 3).last)
        #expect(!SignatureCheck.accepts(third, old) && SignatureCheck.accepts(third, new))
        #expect(try fixture.show("app")["signing"]["secrets"].elements.count == 1)
        try fixture.restart()
        fixture.receive(1)
        let fourth = try #require(try await subscriber.wait(for: 4).last)
        #expect(!SignatureCheck.accepts(fourth, old) && SignatureCheck.accepts(fourth, new))
    }

    @Test func `a secret whose time was over while the router was down signs no more`() async throws {
        let fixture = try StoreFixture()
        let subscriber = try Subscriber { _, _ in .status(200) }
        let old = try create(fixture, subscriber)["generated_secret"].text
        let new = try rotate(fixture).json["generated_secret"].text
        fixture.stop()
        fixture.ahead.move(by: .seconds(25 * 3600))
        try fixture.begin()
        fixture.receive(1)
        let request = try #require(try await subscriber.wait(for: 1).first)
        #expect(!SignatureCheck.accepts(request, old) && SignatureCheck.accepts(request, new))
    }

    @Test func `without an overlap the former secret ends at once`() async throws {
        let fixture = try StoreFixture()
        let subscriber = try Subscriber { _, _ in .status(200) }
        let old = try create(fixture, subscriber)["generated_secret"].text
        let given = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        let rotated = try rotate(fixture, "{\"secret\": \"\(given)\", \"keep_old\": \"0s\"}")
        #expect(rotated.json["generated_secret"] == .null && rotated.json["keep_old_until"] == .null)
        #expect(!rotated.text.contains(given))
        fixture.receive(1)
        let request = try #require(try await subscriber.wait(for: 1).first)
        #expect(!SignatureCheck.accepts(request, old) && SignatureCheck.accepts(request, given))
    }

    @Test func `an Ed25519 key shows its public part and is followed by one of its kind`() async throws {
        let fixture = try StoreFixture()
        let subscriber = try Subscriber { _, _ in .status(200) }
        let created = try create(
            fixture, subscriber, signing: "{\"scheme\": \"standard-webhooks\", \"key\": \"ed25519\"}")
        #expect(created["generated_secret"].text.hasPrefix("whsk_"))
        let shown = try #require(created["signing"]["secrets"].elements.first)["public_key"].text
        #expect(shown.hasPrefix("whpk_"))
        fixture.receive(1)
        let request = try #require(try await subscriber.wait(for: 1).first)
        #expect(request.header("webhook-signature")?.hasPrefix("v1a,") == true)
        #expect(try rotate(fixture).json["generated_secret"].text.hasPrefix("whsk_"))
    }

    @Test func `stream and header switch to a given secret at once`() async throws {
        let fixture = try StoreFixture()
        let subscriber = try Subscriber { _, _ in .status(200) }
        _ = try create(
            fixture, subscriber, signing: "{\"scheme\": \"header\", \"header\": \"x-token\", \"secrets\": [\"first\"]}")
        #expect(try rotate(fixture).pointers == ["/secret"])
        #expect(try rotate(fixture, "{\"secret\": \"second\", \"keep_old\": \"1h\"}").pointers == ["/keep_old"])
        #expect(try rotate(fixture, "{\"secret\": \"file:/etc/passwd\"}").pointers == ["/secret"])
        #expect(try rotate(fixture, "{\"secret\": \"second\"}").json["keep_old_until"] == .null)
        fixture.receive(1)
        #expect(try await subscriber.wait(for: 1).first?.header("x-token") == "second")
    }

    @Test func `another scheme brings another secret`() async throws {
        let fixture = try StoreFixture()
        let subscriber = try Subscriber { _, _ in .status(200) }
        _ = try create(fixture, subscriber, signing: "{\"scheme\": \"none\"}")
        #expect(try rotate(fixture).status == 409)
        let changed = try fixture.ask(
            "PATCH", "/v1/subscriptions/app", "{\"signing\": {\"scheme\": \"standard-webhooks\"}}")
        let secret = changed.json["generated_secret"].text
        fixture.receive(1)
        #expect(SignatureCheck.accepts(try #require(try await subscriber.wait(for: 1).first), secret))
        let back = try fixture.ask("PATCH", "/v1/subscriptions/app", "{\"signing\": {\"scheme\": \"none\"}}").json
        #expect(back["signing"]["secrets"] == .array([]))
        let bare = try fixture.ask("PATCH", "/v1/subscriptions/app", "{\"signing\": {\"scheme\": \"header\"}}")
        #expect(bare.pointers == ["/signing/secrets"])
        let header = "{\"signing\": {\"scheme\": \"header\", \"header\": \"x-token\", \"secrets\": [\"t0\"]}}"
        try fixture.ask("PATCH", "/v1/subscriptions/app", header)
        fixture.receive(1)
        #expect(try await subscriber.wait(for: 2).last?.header("x-token") == "t0")
    }

    @Test func `only so many secrets sign at a time`() throws {
        let fixture = try StoreFixture()
        let subscriber = try Subscriber { _, _ in .status(200) }
        _ = try create(fixture, subscriber)
        for _ in 2...SigningSecrets.most { #expect(try rotate(fixture).status == 200) }
        let refused = try rotate(fixture)
        #expect(refused.status == 409 && refused.json["code"] == .string("limit_reached"))
        #expect(try rotate(fixture, "{\"keep_old\": \"0s\"}").status == 200)
        #expect(try fixture.show("app")["signing"]["secrets"].elements.count == 1)
    }

    @Test func `no view, no error and no document holds a secret`() throws {
        let fixture = try StoreFixture()
        let subscriber = try Subscriber { _, _ in .status(200) }
        let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_bm90IHRoZSBmaXJzdCBvbmUgYnV0IHRoZSBvdGhlcg=="]
        let list = secrets.map { "\"\($0)\"" }.joined(separator: ", ")
        let signing = "{\"scheme\": \"standard-webhooks\", \"secrets\": [\(list)]}"
        _ = try create(fixture, subscriber, signing: signing)
        var texts = [
            try fixture.ask("GET", "/v1/subscriptions/app").text, try fixture.ask("GET", "/v1/subscriptions").text,
        ]
        texts.append(try fixture.ask("PATCH", "/v1/subscriptions/app", "{\"signing\": \(signing)}").text)
        texts.append(
            try fixture.ask("PATCH", "/v1/subscriptions/app", "{\"concurrency\": 0, \"signing\": \(signing)}").text)
        texts.append(try rotate(fixture, "{\"secret\": \"\(secrets[0])\"}").text)
        texts.append(try fixture.ask("POST", "/v1/subscriptions/app/test").text)
        texts += try fixture.stage.writer.perform { try $0.subscriptions() }.map(\.document)
        for text in texts {
            #expect(!text.isEmpty)
            for secret in secrets { #expect(!text.contains(secret.dropFirst(6)), "\(text)") }
        }
    }
}

/// What a receiver of Standard Webhooks does with a secret.
enum SignatureCheck {
    /// Whether one of the `v1` signatures was made with that secret.
    static func accepts(_ request: Subscriber.Request, _ secret: String) -> Bool {
        guard let id = request.header("webhook-id"), let time = request.header("webhook-timestamp"),
            let signatures = request.header("webhook-signature"),
            let key = Array(secret.dropFirst(6).utf8).withUnsafeBytes({ Base64.decode($0) })
        else { return false }
        let content = Array("\(id).\(time).".utf8) + request.body
        let expected = content.withUnsafeBytes { bytes in
            HMACKey(key).withCode(of: bytes) { Base64.encode($0) }
        }
        return signatures.split(separator: " ").contains { $0 == "v1,\(expected)" }
    }
}
