import StageRuntime
import Testing

@testable import Tributary

@Suite struct SampleWebhookTests {
    @Test(arguments: SampleFiles.signed("stream") + SampleFiles.signed("fastpix"))
    func `a known body gets the signature that the provider gave it`(_ sample: SampleFiles.Signed) throws {
        let headers = try Signature.headers(
            provider: sample.provider, secret: sample.secret, secretID: sample.secretID, body: sample.body)
        for (name, value) in headers {
            #expect(sample.headers[name.lowercased()] == value)
        }
    }

    @Test func `the index has bodies of both providers`() {
        #expect(SampleFiles.signed("stream").count >= 30)
        #expect(SampleFiles.signed("fastpix").count >= 20)
    }

    @Test(arguments: ["stream", "fastpix"])
    func `there is a sample of every type in the catalogue`(_ provider: String) {
        #expect(Set(SampleWebhook.types(of: provider)) == Set(SampleFiles.types(provider)))
        #expect(SampleWebhook.types(of: provider).count == SampleFiles.types(provider).count)
    }

    @Test(arguments: SampleFiles.types("stream"))
    func `a Stream sample has the documented shape`(_ type: String) throws {
        let body = try #require(StreamSamples.body(type: type, createdAt: "2026-10-05T14:49:14.142187951Z"))
        #expect(JSONReader.read(Array(body.utf8))?["type"] == .string(type))
        let file = SampleFiles.bytes("stream/\(type).json")
        // The id of that one sample's user is a placeholder; its shape is the same.
        if !file.isEmpty, type != "user.updated" { #expect(Array(body.utf8) == file) }
    }

    @Test(arguments: SampleFiles.types("fastpix"))
    func `a FastPix sample has the documented shape`(_ type: String) throws {
        let file = SampleFiles.bytes("fastpix/\(type).json")
        let id = JSONReader.read(file)?["id"].text ?? "7ef97949-d713-5619-8206-7ca2aaee43bc"
        let body = try #require(
            FastPixSamples.body(type: type, id: id, createdAt: "2026-10-05T11:17:52.722812836Z"))
        let read = try #require(JSONReader.read(Array(body.utf8)))
        #expect(read["type"] == .string(type))
        #expect(read["id"] == .string(id))
        if !file.isEmpty { #expect(Array(body.utf8) == file) }
    }

    @Test func `every webhook has an id of its own and the headers of its provider`() throws {
        let made = try (0..<100).map { _ in
            try SampleWebhook.make(provider: "stream", type: "custom", secret: [1], secretID: "key")
        }
        #expect(Set(made.map(\.id)).count == 100)
        let headers = Dictionary(made[0].headers) { $1 }
        #expect(headers["X-WEBHOOK-ID"] == made[0].id)
        #expect(headers["X-API-KEY"] == "key")
        #expect(headers["X-SIGNATURE"]?.count == 64)
    }

    @Test func `a bad signature differs from the right one and has its form`() throws {
        let right = try Signature.headers(provider: "fastpix", secret: Array("c2VjcmV0".utf8), secretID: nil, body: [1])
        let bad = try Signature.headers(
            provider: "fastpix", secret: Array("c2VjcmV0".utf8), secretID: nil, body: [1], isBad: true)
        #expect(right[0].1 != bad[0].1)
        #expect(right[0].1.count == bad[0].1.count)
    }

    @Test func `a FastPix secret that is not base64 is refused`() {
        for secret in ["", "abc", "ab=c", "a b="] {
            #expect(throws: StageFailure.self, "\(secret)") {
                try Signature.headers(provider: "fastpix", secret: Array(secret.utf8), secretID: nil, body: [1])
            }
        }
    }

    @Test func `base64 goes there and back`() {
        for (text, encoded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            #expect(Base64.encode(Array(text.utf8)) == encoded)
            if !text.isEmpty { #expect(Base64.decode(Array(encoded.utf8)) == Array(text.utf8)) }
        }
    }
}
