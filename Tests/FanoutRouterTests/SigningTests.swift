import EventLog
import Foundation
import LogSamples
import NIOCore
import NIOHTTP1
import PipelineConfiguration
import Testing
import Wire

@testable import DeliverySigning
@testable import EventDelivery

@Suite(.serialized) struct SigningTests {
    /// id, timestamp, body and secret of the example in the Standard Webhooks specification's reference libraries.
    @Test func `the vector of the Standard Webhooks libraries comes out`() throws {
        let signer = try DeliverySigner(
            SigningConfiguration(scheme: .standardWebhooks, secrets: []),
            secrets: [Array("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".utf8)])
        #expect(
            signer.lines(
                id: "msg_p5jXN8AQM9LWM0D4loKWxJek", attempt: 3, nowSeconds: 1_614_265_330,
                body: "{\"test\": 2432232314}") == [
                    "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp: 1614265330",
                    "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                ])
    }

    @Test(arguments: ["", "whsec_", "not base64!", "whsec_abc"])
    func `a secret that is not base64 is refused`(secret: String) {
        #expect(throws: SigningSecretError.self) {
            try DeliverySigner(
                SigningConfiguration(scheme: .standardWebhooks, secrets: []), secrets: [Array(secret.utf8)])
        }
    }

    private let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "c2Vjb25kIHNlY3JldCBvZiBpdA=="]

    private func deliver() async throws -> Subscriber.Request {
        let folder = try TemporaryFolder()
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try RouterFixture(
            EventLogSettings(path: folder.file),
            lanes: [LaneSettings(name: "app", place: subscriber.url + "?a=b")],
            secrets: secrets.map { Array($0.utf8) })
        defer { fixture.stop() }
        fixture.receive(1...1) { sequence in
            Sample.envelope(
                journal: RouterFixture.journal, sequence: sequence, ids: ["id \"q\"\u{1}ü"],
                receivedAt: 1_790_000_000_000_000_001, payload: "{\"big\":12345678901234567890, \"a\":[1]}")
        }
        return try #require(try await subscriber.wait(for: 1).first)
    }

    @Test func `a delivery is valid CloudEvents JSON`() async throws {
        let request = try await deliver()
        #expect(request.head.uri == "/events?a=b")
        #expect(request.header("content-type") == "application/cloudevents+json")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any])
        #expect(object["specversion"] as? String == "1.0")
        #expect(object["id"] as? String == "id \"q\"\u{1}ü")
        #expect(object["sequence"] as? String == "00000000000000000001")
        #expect(object["recordedtime"] as? String == "2026-09-21T14:13:20.000000001Z")
        #expect(object["type"] as? String == "dev.tributary.participant.joined")
        #expect(request.text.hasSuffix(",\"data\":{\"big\":12345678901234567890, \"a\":[1]}}"))
    }

    @Test(.enabled(if: ToolsPython.has("standardwebhooks")))
    func `the official library verifies a delivery with each of the secrets`() async throws {
        let request = try await deliver()
        let program = """
            import base64, sys
            from standardwebhooks import Webhook
            names = ["webhook-id", "webhook-timestamp", "webhook-signature"]
            Webhook(sys.argv[1]).verify(base64.b64decode(sys.argv[2]), dict(zip(names, sys.argv[3:])))
            """
        let fields = ["webhook-id", "webhook-timestamp", "webhook-signature"].map { request.header($0) ?? "" }
        let body = Data(request.body).base64EncodedString()
        for secret in secrets { #expect(try ToolsPython.run(["-c", program, secret, body] + fields) == 0) }
        #expect(try ToolsPython.run(["-c", program, "whsec_b3RoZXI=", body] + fields) != 0)
    }
}

extension DeliverySigner {
    /// The fields of one attempt, in order.
    func lines(id: String, attempt: Int, nowSeconds: Int64, body: String) -> [String] {
        var lines: [String] = []
        Array(body.utf8).withUnsafeBytes { body in
            sign(id: Array(id.utf8), attempt: attempt, nowSeconds: nowSeconds, body: { $0(body) }) { name, value in
                lines.append("\(name): \(String(decoding: value, as: UTF8.self))")
            }
        }
        return lines
    }
}
