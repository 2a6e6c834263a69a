import JSON
import PipelineConfiguration
import Testing

/// The field of `signing: { scheme: header }`.
@Suite struct SigningHeaderTests {
    private func document(_ header: String) -> JSONValue? {
        let json =
            #"{"name":"a","url":"https://e.com","signing":{"scheme":"header","header":"\#(header)","prefix":"Bearer "}}"#
        return JSONValue.read(Array(json.utf8))
    }

    private func file(_ header: String) throws -> TributaryConfiguration {
        try TributaryConfiguration.decode(
            """
            sources: [{ name: s, provider: fastpix, secrets: [{ value: "env:A" }] }]
            subscriptions:
              - name: a
                url: https://example.com/
                signing: { scheme: header, secrets: ["env:A"], header: "\(header)" }
            """, file: "t.yaml")
    }

    @Test(arguments: [
        "webhook-id", "Webhook-Id", "WEBHOOK-SIGNATURE", "webhook_timestamp", "webhook-anything", "host", "Host",
        "expect", "content-length", "Content_Length", "content-type", "content-encoding", "transfer-encoding",
        "Transfer_Encoding", "connection", "keep-alive", "TE", "trailer", "upgrade", "http2-settings", "user-agent",
        "date", "x-signature", "X-WEBHOOK-ID", "x-webhook-attempt", "ce-id", "CE-type", "tributary-replay",
        "proxy-authorization", "proxy-connection", "if-match", "range", "", "a b", "x:y", "x\\r\\ny",
    ])
    func `may be no field that a delivery sets, that frames it or that is between two hops`(header: String) throws {
        #expect(throws: ConfigurationErrors.self) { try file(header) }
        let document = try #require(self.document(header))
        let error = #expect(throws: SubscriptionDocumentError.self) {
            try SubscriptionDocument.decode(document, sources: [])
        }
        #expect(error?.problems.map(\.pointer) == ["/signing/header"])
    }

    @Test(arguments: ["Authorization", "X-Token", "x-api-key", "X-Webhook-Token", "cookie", "x_secret", "X.Hook"])
    func `may be any other field`(header: String) throws {
        #expect(try file(header).subscriptions.first?.signing.header == header.lowercased())
        let document = try #require(self.document(header))
        #expect(try SubscriptionDocument.decode(document, sources: []).signing.header == header.lowercased())
    }
}
