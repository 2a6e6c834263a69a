import EventLog
import LibCrypto
import LogSamples
import NIOCore
import PipelineConfiguration
import Primitives
import Testing
import Wire

@testable import DeliverySigning
@testable import EventDelivery

/// The schemes beside Standard Webhooks with HMAC, over real sockets.
@Suite(.serialized) struct SigningSchemeTests {
    private func deliver(
        _ signing: SigningConfiguration, secrets: [String], failures: Int = 0
    ) async throws -> [Subscriber.Request] {
        let folder = try TemporaryFolder()
        let subscriber = try Subscriber { number, _ in .status(number <= failures ? 503 : 200) }
        let fixture = try RouterFixture(
            EventLogSettings(path: folder.file),
            lanes: [
                LaneSettings(
                    name: "app", place: subscriber.url,
                    policy: RetryPolicy(RetryConfiguration(schedule: [.zero, .zero, .zero])))
            ], secrets: secrets.map { Array($0.utf8) }, signing: signing)
        fixture.receive(1...1)
        let requests = try await subscriber.wait(for: failures + 1)
        fixture.stop()
        return requests
    }

    @Test func `Stream's scheme names the webhook, counts the attempts and signs the body`() async throws {
        let requests = try await deliver(
            SigningConfiguration(scheme: .stream, secrets: [], apiKey: "key123"), secrets: ["a secret"], failures: 2)
        #expect(requests.map { $0.header("x-webhook-attempt") } == ["1", "2", "3"])
        #expect(Set(requests.map { $0.header("x-webhook-id") }).count == 1)
        for request in requests {
            let expected = request.body.withUnsafeBytes { body in
                HMACKey(Array("a secret".utf8)).withCode(of: body, Hexadecimal.encode)
            }
            #expect(request.header("x-signature") == expected)
            #expect(request.header("x-api-key") == "key123")
            #expect(request.header("webhook-signature") == nil)
        }
    }

    @Test func `a header token stands in its field behind its prefix`() async throws {
        let requests = try await deliver(
            SigningConfiguration(scheme: .header, secrets: [], header: "x-token", prefix: "Bearer "),
            secrets: ["t0ken"])
        #expect(requests[0].header("x-token") == "Bearer t0ken")
        #expect(throws: SigningSecretError.self) {
            try DeliverySigner(
                SigningConfiguration(scheme: .header, secrets: []), secrets: [Array("a\r\nb".utf8)])
        }
    }

    @Test func `the lines of every scheme are these, in this order`() throws {
        func lines(_ signing: SigningConfiguration, _ secret: String) throws -> [String] {
            try DeliverySigner(signing, secrets: secret.isEmpty ? [] : [Array(secret.utf8)])
                .lines(id: "evt_1_2", attempt: 2, nowSeconds: 7, body: "{}")
        }
        #expect(try lines(SigningConfiguration(scheme: .none, secrets: []), "") == ["webhook-id: evt_1_2"])
        #expect(
            try lines(SigningConfiguration(scheme: .header, secrets: [], header: "x-t", prefix: "Bearer "), "s")
                == ["webhook-id: evt_1_2", "x-t: Bearer s"])
        // printf '{}' | openssl dgst -sha256 -hmac s
        #expect(
            try lines(SigningConfiguration(scheme: .stream, secrets: [], apiKey: "k"), "s") == [
                "x-webhook-id: evt_1_2", "x-webhook-attempt: 2", "x-api-key: k",
                "x-signature: 143ca8d517ba1b181025d732b1cf275d90104fca57bb02a565542978aa18c4b6", "webhook-id: evt_1_2",
            ])
    }

    @Test func `Standard Webhooks signs with every key, of either kind`() async throws {
        // The seed of RFC 8032, section 7.1, test 1.
        let seed = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
        let requests = try await deliver(
            SigningConfiguration(scheme: .standardWebhooks, secrets: []),
            secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsk_\(seed)"])
        let request = requests[0]
        let signatures = try #require(request.header("webhook-signature")).split(separator: " ")
        #expect(signatures.count == 2)
        #expect(signatures[0].hasPrefix("v1,"))
        #expect(signatures[1].hasPrefix("v1a,"))
        let content =
            [request.header("webhook-id"), request.header("webhook-timestamp")].compactMap { $0 }
            .joined(separator: ".") + "." + request.text
        let bytes = Array(seed.utf8).withUnsafeBytes { Base64.decode($0) } ?? []
        let key = try #require(Ed25519SigningKey(bytes))
        let expected = Array(content.utf8).withUnsafeBytes { bytes in
            key.withSignature(of: bytes) { Base64.encode($0) }
        }
        #expect(signatures[1] == "v1a,\(expected)")
    }
}
