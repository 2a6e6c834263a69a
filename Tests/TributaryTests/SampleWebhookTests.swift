import Events
import Executable
import JSON
import Primitives
import StageMetrics
import Testing
import Verification
import VerificationSchemes
import WebhookSamples
import Wire

@testable import Tributary

@Suite struct SampleWebhookTests {
    @Test(arguments: ["stream", "fastpix"])
    func `there is a sample of every type in the catalogue`(_ provider: String) throws {
        let types = try #require(SampleCatalogue.of(provider)).types
        #expect(Set(types) == Set(SampleFiles.types(provider)))
        #expect(types.count == SampleFiles.types(provider).count)
    }

    @Test(arguments: SampleFiles.types("stream"))
    func `a Stream sample has the documented shape`(_ type: String) throws {
        let body = try body("stream", type, id: "", createdAt: "2026-10-05T14:49:14.142187951Z")
        #expect(JSONValue.read(body)?["type"] == .string(type))
        let file = SampleFiles.bytes("stream/\(type).json")
        // The id of that one sample's user is a placeholder; its shape is the same.
        if !file.isEmpty, type != "user.updated" { #expect(body == file) }
    }

    @Test(arguments: SampleFiles.types("fastpix"))
    func `a FastPix sample has the documented shape`(_ type: String) throws {
        let file = SampleFiles.bytes("fastpix/\(type).json")
        let id = JSONValue.read(file)?["id"].text ?? "7ef97949-d713-5619-8206-7ca2aaee43bc"
        let body = try body("fastpix", type, id: id, createdAt: "2026-10-05T11:17:52.722812836Z")
        let read = try #require(JSONValue.read(body))
        #expect(read["type"] == .string(type))
        #expect(read["id"] == .string(id))
        if !file.isEmpty { #expect(body == file) }
    }

    private func body(_ provider: String, _ type: String, id: String, createdAt: String) throws -> [UInt8] {
        let order = SampleOrder(
            type: type, id: id, createdAtNanoseconds: try #require(RFC3339.nanoseconds(createdAt)), batch: nil)
        return try #require(SampleCatalogue.of(provider)?.body(order)).bytes
    }

    @Test(arguments: SampleTemplates.catalogues.map(\.provider))
    func `a body has no name in it that stands for nothing`(_ provider: String) throws {
        for type in try #require(SampleCatalogue.of(provider)).types {
            let text = String(
                decoding: try body(provider, type, id: "i", createdAt: "2026-10-05T11:17:52Z"), as: UTF8.self)
            #expect(!text.contains("$"), "\(type)")
        }
    }

    @Test func `every webhook has an id of its own and the header fields of its provider`() throws {
        let signer = try Signers.signer("stream", id: "key", secret: [1])
        let choice = try SampleChoice.make("stream", "custom", batch: nil)
        let made = try (0..<100).map { _ in try SampleWebhook.make(choice, type: "custom", signer: signer) }
        #expect(Set(made.map(\.id)).count == 100)
        let fields = Dictionary(made[0].headers.map { ($0.name.lowercased(), $0.value) }) { $1 }
        #expect(fields["x-webhook-id"] == made[0].id)
        #expect(fields["x-api-key"] == "key")
        #expect(fields["x-signature"]?.count == 64)
        #expect(fields["content-type"] == "application/json")
        #expect(made[0].eventIDs == [made[0].id])
    }

    @Test(arguments: Signers.signing)
    func `samples of every provider that signs are verified, and forged ones are not`(_ name: String) throws {
        let verification = try Signers.verification(name)
        let catalogue = try #require(SampleCatalogue.of(name))
        for type in catalogue.types {
            let choice = try SampleChoice.make(name, type, batch: nil)
            for isForger in [false, true] {
                let signer = WebhookSigner(verification, at: wallNanoseconds(), isForger: isForger)
                let webhook = try SampleWebhook.make(choice, type: type, signer: signer)
                let outcome = try Signers.verify(webhook, verification)
                if isForger {
                    guard case .refused(.signatureMismatch, _) = outcome else {
                        Issue.record("\(name) \(type): a forged signature led to \(outcome)")
                        continue
                    }
                } else {
                    #expect(outcome == .verified(keyID: "key"), "\(name) \(type)")
                }
            }
        }
    }

    @Test(arguments: [
        VerificationScheme("header", .token(.field("x-token", prefix: "Token "))),
        VerificationScheme("query", .token(.query("token"))),
        VerificationScheme("basic", .token(.basic)),
        VerificationScheme("path-token", .token(.path)),
    ])
    func `tokens travel where the source wants them, and forged ones are told apart`(
        _ scheme: VerificationScheme
    ) throws {
        let secret = SourceSecret(value: Array("user:päss/word".utf8))
        let keys = try SourceKeyring.keys([secret], for: scheme, provider: "superviz")
        let verification = SourceVerification(source: "rooms", scheme: scheme, keys: keys)
        let choice = try SampleChoice.make("superviz", "price-update", batch: 3)
        for isForger in [false, true] {
            let signer = WebhookSigner(verification, at: wallNanoseconds(), isForger: isForger)
            #expect(signer.provesAnything)
            let webhook = try SampleWebhook.make(choice, type: "price-update", signer: signer)
            let outcome = try Signers.verify(webhook, verification, pathToken: signer.pathToken)
            if isForger {
                guard case .refused = outcome else { Issue.record("a forged token led to \(outcome)"); continue }
            } else {
                #expect(outcome == .verified(keyID: "0"))
            }
        }
    }

    @Test func `a batch is one webhook of so many events`() throws {
        let signer = WebhookSigner(SourceVerification(source: "s", scheme: .none), at: 0)
        #expect(!signer.provesAnything)
        let choice = try SampleChoice.make("superviz", "tick", batch: 1000)
        let webhook = try SampleWebhook.make(choice, type: "tick", signer: signer)
        #expect(JSON.JSONValue.read(webhook.body)?.elements.count == 1000)
        #expect(Set(webhook.eventIDs).count == 1000)
        #expect(throws: StageFailure.self) { try SampleChoice.make("stream", "custom", batch: 2) }
        #expect(throws: StageFailure.self) { try SampleChoice.make("generic", "all", batch: nil) }
        #expect(throws: StageFailure.self) { try SampleChoice.make("mux", "video.asset.redy", batch: nil) }
    }
}
