import Providers
import Testing
import Wire

@testable import IngressGateway

@Suite(.serialized) struct SuccessAnswerTests {
    @Test func `a source's provider gets the status and body that it takes as success, and the id in a field`() throws {
        let test = try TestIngress(answer: SuccessAnswer(status: 200, body: "<Response/>", contentType: "text/xml"))
        let client = test.connect()
        client.send(post("/in/fastpix") + post("/in/stream"))
        let answer = try #require(client.answer())
        #expect(answer.status == 200 && answer.body == "<Response/>")
        #expect(answer.fields["content-type"] == "text/xml")
        #expect(answer.fields["tributary-webhook-id"]?.hasSuffix("-1") == true)
        let usual = try #require(client.answer())
        #expect(usual.status == 202 && usual.body.hasSuffix("-2\"}"))
        #expect(usual.fields["tributary-webhook-id"] == nil)
        #expect(test.metrics.contains(#"status="200"} 1"#))
    }

    @Test func `an answer without a body has none, and what is refused is refused`() throws {
        let test = try TestIngress(answer: SuccessAnswer(status: 204, body: "", contentType: "text/plain"))
        test.bus.judge(2, Verdict(httpStatus: 401, code: "signature_mismatch"))
        let client = test.connect()
        client.send(post("/in/fastpix") + post("/in/fastpix"))
        let answer = try #require(client.answer())
        #expect(answer.status == 204 && answer.body.isEmpty && answer.fields["content-length"] == nil)
        #expect(client.answer()?.code == "signature_mismatch")
    }

    @Test func `presets know what their providers take as success`() {
        let wanted = ["agora": 200, "zoom": 200, "twilio": 200, "100ms": 200, "daily": 200, "stream-calls": 201]
        for provider in ProviderRegistry.all {
            #expect(provider.answer?.status == wanted[provider.name], "\(provider.name)")
        }
        #expect(AgoraProvider.answer?.body == "{}" && AgoraProvider.answer?.contentType == "application/json")
    }
}
