import Testing
import Wire

struct SecretFieldsTests {
    @Test(arguments: [
        ":token", ":query", "authorization", "cookie", "x-webhook-token", "x-api-secret", "cf-webhook-auth", "x-own",
    ])
    func `what opens something is hidden`(_ name: String) {
        let fields = SecretFields(named: ["x-own"])
        #expect(fields.contains(name))
        #expect(fields.shown(name, "s3cret") == SecretFields.mask)
    }

    @Test(arguments: [":peer", "x-signature", "x-api-key", "content-type", "webhook-id", "x-own"])
    func `what proves one request or nothing is shown`(_ name: String) {
        #expect(SecretFields().shown(name, "value") == "value")
    }
}
