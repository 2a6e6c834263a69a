import Testing
import Wire

@testable import IngressGateway

/// CloudEvents, `http-webhook.md`, section 4; and challenges that the verifier answers.
@Suite(.serialized) struct HandshakeTests {
    private func options(_ path: String, _ fields: String = "") -> String {
        "OPTIONS \(path) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n"
    }

    @Test func `a sender that asks may send, as often as it asked for`() throws {
        let test = try TestIngress()
        let client = test.connect()
        client.send(
            options(
                "/in/stream/token?x=1",
                "WebHook-Request-Origin: eventemitter.example.com\r\nWebHook-Request-Rate: 120\r\n"
                    + "WebHook-Request-Callback: https://eventemitter.example.com/confirm?id=1\r\n"
                    + "Origin: https://example.com\r\nAccess-Control-Request-Method: POST\r\n"))
        let answer = try #require(client.answer())
        #expect(answer.status == 200 && answer.body.isEmpty && !answer.closes)
        #expect(answer.fields["webhook-allowed-origin"] == "eventemitter.example.com")
        #expect(answer.fields["webhook-allowed-rate"] == "120")
        #expect(answer.fields["allow"] == "POST, OPTIONS")
        #expect(!answer.fields.keys.contains { $0.hasPrefix("access-control") })
        for (rate, expected) in [("", "*"), ("WebHook-Request-Rate: 0\r\n", "*"), ("WebHook-Request-Rate: x\r\n", "*")]
        {
            client.send(options("/in/stream", "WebHook-Request-Origin: a\r\n\(rate)"))
            #expect(client.answer()?.fields["webhook-allowed-rate"] == expected)
        }
        #expect(test.bus.webhooks.isEmpty)
    }

    @Test func `OPTIONS without an origin names the methods and nothing else`() throws {
        let test = try TestIngress()
        let client = test.connect()
        client.send(options("/in/stream") + options("/in/stream", "WebHook-Request-Origin: a b\r\n") + post())
        for _ in 0..<2 {
            let answer = try #require(client.answer())
            #expect(answer.status == 204 && answer.fields["allow"] == "POST, OPTIONS")
            #expect(answer.fields["webhook-allowed-origin"] == nil && answer.fields["content-length"] == nil)
        }
        #expect(client.answer()?.status == 202)
        #expect(test.bus.webhooks.count == 1)
    }

    @Test func `there is no handshake where there is no source`() throws {
        let test = try TestIngress()
        let client = test.connect()
        let field = "WebHook-Request-Origin: a\r\n"
        client.send(options("/in/unknown", field) + options("/", field) + options("*", field))
        #expect((0..<3).compactMap { _ in client.answer()?.status } == [404, 404, 404])
    }

    @Test func `a full journal still shakes hands`() throws {
        let test = try TestIngress(journal: .small)
        let client = test.connect()
        let body = String(repeating: "x", count: 1000)
        test.fill(client, body)
        client.send(post(body: body) + options("/in/stream", "WebHook-Request-Origin: a\r\n"))
        #expect((0..<2).compactMap { _ in client.answer()?.status } == [503, 200])
    }

    @Test func `the verifier's reply to a challenge is the answer, as JSON with 200`() throws {
        let test = try TestIngress()
        let reply = #"{"plainToken":"a","encryptedToken":"b"}"#
        test.bus.judge(1, Verdict(httpStatus: 200, code: "", reply: Array(reply.utf8)))
        let client = test.connect()
        client.send(post())
        let answer = try #require(client.answer())
        #expect(answer.status == 200 && answer.body == reply)
        #expect(answer.fields["content-type"] == "application/json")
    }
}
