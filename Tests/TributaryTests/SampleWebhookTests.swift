import Events
import Providers
import Testing
import WebhookSamples
import Wire

@testable import Tributary

@Suite struct SampleWebhookTests {
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

    @Test func `every webhook has an id of its own and the header fields of its provider`() throws {
        let key = SourceKey(id: "key", bytes: [1])
        let made = try (0..<100).map { _ in
            try SampleWebhook.make(provider: StreamProvider.self, type: "custom", key: key)
        }
        #expect(Set(made.map(\.id)).count == 100)
        let fields = Dictionary(made[0].headers.map { ($0.name, $0.value) }) { $1 }
        #expect(fields["X-WEBHOOK-ID"] == made[0].id)
        #expect(fields["X-API-KEY"] == "key")
        #expect(fields["X-SIGNATURE"]?.count == 64)
    }

    @Test(arguments: [
        ("stream", "custom", SourceSecret(id: "key", value: [1, 2, 3])),
        ("fastpix", "video.media.ready", SourceSecret(value: SampleLibrary.fastPixSecret)),
    ])
    func `samples are verified, and those of a spoiled key do not match`(
        name: String, type: String, secret: SourceSecret
    ) throws {
        let provider = try #require(ProviderRegistry.provider(named: name))
        let keys = try provider.makeKeys([secret])
        let verifier = provider.makeVerifier(keys: keys, inflater: Inflater(maxInflatedBytes: 1000))
        func outcome(_ key: SourceKey) throws -> VerificationOutcome? {
            let webhook = try SampleWebhook.make(provider: provider, type: type, key: key)
            var record = Record(source: name, fields: webhook.headers, body: webhook.body)
            return try record.pass { view, writer in
                AcceptedWebhook(view).map { verifier.verify($0, into: &writer) }
            }
        }
        #expect(try outcome(keys.keys[0]) == .verified)
        guard case .refused(let code, _) = try outcome(keys.keys[0].spoiled) else {
            Issue.record("a spoiled signature was accepted")
            return
        }
        #expect(code == .signatureMismatch)
    }
}
