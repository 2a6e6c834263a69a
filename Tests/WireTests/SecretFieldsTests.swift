import Testing
import Wire

struct SecretFieldsTests {
    @Test(arguments: [
        ":token", ":query", "authorization", "proxy-authorization", "cookie", "x-webhook-token", "x-api-secret",
        "cf-webhook-auth", "x-own", "x-signature", "webhook-signature", "mux-signature", "x-shopify-hmac-sha256",
        "x-hub-signature-256", "x-original-uri", "referer",
    ])
    func `what opens something is hidden`(_ name: String) {
        let fields = SecretFields(named: ["x-own"])
        #expect(fields.contains(name))
        #expect(fields.shown([(name, "s3cret")]).map(\.value) == [SecretFields.mask])
    }

    @Test(arguments: [":peer", "x-api-key", "content-type", "webhook-id", "webhook-timestamp", "x-own"])
    func `what opens nothing is shown`(_ name: String) {
        #expect(SecretFields().shown([(name, "value")]).map(\.value) == ["value"])
    }

    @Test func `a path token is hidden wherever a proxy repeats it`() {
        let shown = SecretFields().shown([
            (":token", "t0ken"), ("x-proxied", "/in/rooms/t0ken?a=1"), ("host", "hooks.example"),
            ("X-Signature", "abc"),
        ])
        #expect(shown.map(\.value) == [SecretFields.mask, SecretFields.mask, "hooks.example", SecretFields.mask])
    }
}
