import Events
import Gzip
import Testing
import WebhookSamples
import Wire

@testable import Providers
@testable import Verification
@testable import VerificationSchemes

struct ProviderTests {
    /// A provider that signs, with a secret that its scheme takes.
    private static let signers: [(provider: any Provider.Type, secret: SourceSecret)] = [
        (StreamProvider.self, SourceSecret(id: SampleLibrary.streamAPIKey, value: SampleLibrary.streamSecret)),
        (FastPixProvider.self, SourceSecret(value: SampleLibrary.fastPixSecret)),
        (FishjamProvider.self, SourceSecret(value: Array("test_fishjam_webhook_secret".utf8))),
    ]

    private func verification(_ provider: any Provider.Type, _ secrets: [SourceSecret]) throws -> SourceVerification {
        let scheme: VerificationScheme =
            switch provider.signing {
            case .always(let scheme), .optional(let scheme): scheme
            case .never: .none
            }
        return SourceVerification(
            source: provider.name, scheme: scheme,
            keys: try SourceKeyring.keys(secrets, for: scheme, provider: provider.name))
    }

    @Test func `the registry knows every provider by its name`() {
        #expect(Set(ProviderRegistry.names).count == ProviderRegistry.names.count)
        #expect(Set(ProviderRegistry.names).isSuperset(of: ["stream", "fastpix", "fishjam"]))
        for name in ProviderRegistry.names { #expect(ProviderRegistry.provider(named: name)?.name == name) }
        #expect(ProviderRegistry.provider(named: "nobody") == nil)
    }

    @Test func `Stream and Fishjam send no probe`() throws {
        for body in ["", "{}", "null"] {
            try Record(source: "s", fields: [], body: Array(body.utf8)).withView { view in
                let webhook = try #require(AcceptedWebhook(view))
                #expect(!StreamProvider.isProbe(head: webhook.head, body: webhook.body))
                #expect(!FishjamProvider.isProbe(head: webhook.head, body: webhook.body))
            }
        }
    }

    @Test func `wrong secrets are told with a sentence that holds no secret`() {
        func code(_ provider: any Provider.Type, _ secrets: [SourceSecret]) -> String? {
            do {
                _ = try verification(provider, secrets)
                return nil
            } catch let error as SourceKeyError {
                #expect(error.description.count > 40 && !error.description.contains("s3cr3t"))
                return error.code
            } catch { return "\(error)" }
        }
        let plain = Array("s3cr3t!".utf8)
        for provider in [FastPixProvider.self, StreamProvider.self, FishjamProvider.self] as [any Provider.Type] {
            #expect(code(provider, []) == "secrets_missing")
            #expect(code(provider, [SourceSecret(id: "a", value: [])]) == "secret_empty")
        }
        #expect(code(FastPixProvider.self, [SourceSecret(value: plain)]) == "secret_not_base64")
        #expect(code(FastPixProvider.self, [SourceSecret(value: SampleLibrary.fastPixSecret)]) == nil)
        #expect(code(StreamProvider.self, [SourceSecret(value: plain)]) == "secret_id_missing")
        #expect(code(StreamProvider.self, [SourceSecret(id: "a", value: plain)]) == nil)
        #expect(code(FishjamProvider.self, [SourceSecret(value: plain)]) == nil)
        #expect(!"\(SourceSecret(id: "a", value: plain)) \(SourceKey(id: "a", bytes: plain))".contains("s3cr3t"))
    }

    @Test func `a recorded body gets the signature that its provider gave it`() throws {
        for (provider, secret) in Self.signers {
            let verification = try verification(provider, [secret])
            var compared = 0
            for sample in try SampleLibrary.samples(of: provider.name) {
                let signed = SourceSigner.fields(
                    for: sample.body, verification: verification, key: verification.keys.keys[0], webhookID: "w",
                    atNanoseconds: 0)
                for (name, value) in signed.fields where name.contains("signature") {
                    let recorded = sample.fields.first { $0.name.lowercased() == name }
                    if let recorded {
                        #expect(recorded.value == value, "\(sample)")
                        compared += 1
                    }
                }
            }
            #expect(compared >= 4, "\(provider.name)")
        }
    }

    @Test func `a recorded request is verified, and not after any byte of its body has changed`() throws {
        for (provider, secret) in Self.signers {
            let verification = try verification(provider, [secret])
            let verifier = SourceVerifier(verification, inflater: Inflater(maxInflatedBytes: 1 << 20))
            for sample in try SampleLibrary.samples(of: provider.name) {
                let isSigned = sample.fields.contains { $0.name.lowercased().contains("signature") }
                func outcome(_ body: [UInt8]) throws -> VerificationOutcome? {
                    var record = Record(source: provider.name, fields: sample.fields, body: body)
                    return try record.pass { view, writer in
                        AcceptedWebhook(view).map { verifier.verify($0, into: &writer) }
                    }
                }
                let keyID = verification.keys.keys[0].id
                guard isSigned else {
                    guard case .refused(.signatureMissing, _) = try outcome(sample.body) else {
                        Issue.record("\(sample) has no signature and was not refused")
                        continue
                    }
                    continue
                }
                #expect(try outcome(sample.body) == .verified(keyID: keyID), "\(sample)")
                for place in [0, sample.body.count / 2, sample.body.count - 1] {
                    var changed = sample.body
                    changed[place] ^= 1
                    guard case .refused(.signatureMismatch, _) = try outcome(changed) else {
                        Issue.record("\(sample) was verified although byte \(place) has changed")
                        continue
                    }
                }
            }
        }
    }
}
