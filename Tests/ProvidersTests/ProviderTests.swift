import Events
import Testing
import WebhookSamples
import Wire

@testable import Providers

struct ProviderTests {
    @Test func `the registry knows every provider by its name`() {
        #expect(ProviderRegistry.names == ["stream", "fastpix"])
        for name in ProviderRegistry.names { #expect(ProviderRegistry.provider(named: name)?.name == name) }
        #expect(ProviderRegistry.provider(named: "nobody") == nil)
    }

    private func isProbe(_ provider: any Provider.Type, _ fields: [(name: String, value: String)], _ body: String)
        throws -> Bool
    {
        try Record(source: "s", fields: fields, body: Array(body.utf8)).withView { view in
            let webhook = try #require(AcceptedWebhook(view))
            return provider.isProbe(head: webhook.head, body: webhook.body)
        }
    }

    @Test func `FastPix's probe is an unsigned empty object or nothing`() throws {
        for body in ["", "{}", " {\n} ", "{}\n"] {
            #expect(try isProbe(FastPixProvider.self, [("Content-Type", "application/json")], body))
            #expect(try !isProbe(FastPixProvider.self, [("FastPix-Signature", "x")], body))
            #expect(try !isProbe(StreamProvider.self, [], body))
        }
        for body in ["{\"a\":1}", "[]", "{}{}", "x", "{}                     x"] {
            #expect(try !isProbe(FastPixProvider.self, [], body))
        }
    }

    @Test func `wrong secrets are told with a sentence that holds no secret`() {
        func code(_ provider: any Provider.Type, _ secrets: [SourceSecret]) -> String? {
            do {
                _ = try provider.makeKeys(secrets)
                return nil
            } catch {
                #expect(error.description.count > 40 && !error.description.contains("s3cr3t"))
                return error.code
            }
        }
        let plain = Array("s3cr3t!".utf8)
        #expect(code(FastPixProvider.self, []) == "secrets_missing")
        #expect(code(FastPixProvider.self, [SourceSecret(value: [])]) == "secret_empty")
        #expect(code(FastPixProvider.self, [SourceSecret(value: plain)]) == "secret_not_base64")
        #expect(code(FastPixProvider.self, [SourceSecret(value: SampleLibrary.fastPixSecret)]) == nil)
        #expect(code(StreamProvider.self, []) == "secrets_missing")
        #expect(code(StreamProvider.self, [SourceSecret(id: "a", value: [])]) == "secret_empty")
        #expect(code(StreamProvider.self, [SourceSecret(value: plain)]) == "secret_id_missing")
        #expect(code(StreamProvider.self, [SourceSecret(id: "a", value: plain)]) == nil)
        #expect(!"\(SourceSecret(id: "a", value: plain)) \(SourceKey(id: "a", bytes: plain))".contains("s3cr3t"))
    }

    @Test func `the vocabularies are the published mapping, line for line`() throws {
        let mapping = try SampleLibrary.mapping()
        for (provider, types) in [("stream", StreamTypes.all), ("fastpix", FastPixTypes.all)] {
            let rows = try #require(mapping[provider])
            #expect(Set(types.map(\.providerType)) == Set(rows.keys))
            #expect(types.count == rows.count)
            for type in types {
                let row = try #require(rows[type.providerType])
                #expect(type.canonicalType == row.canonical && type.subject == row.subject)
                #expect(type.partitionKey == row.partitionkey)
            }
        }
    }

    @Test(arguments: ["stream", "fastpix"])
    func `a recorded body gets the signature that its provider gave it`(_ name: String) throws {
        let provider = try #require(ProviderRegistry.provider(named: name))
        let key = try provider.makeKeys([
            name == "stream"
                ? SourceSecret(id: SampleLibrary.streamAPIKey, value: SampleLibrary.streamSecret)
                : SourceSecret(value: SampleLibrary.fastPixSecret)
        ]).keys[0]
        let samples = try SampleLibrary.samples(of: name)
        #expect(samples.count >= 20)
        for sample in samples {
            for (field, value) in provider.signedFields(for: sample.body, key: key, webhookID: "w") {
                let recorded = sample.fields.first { $0.name.lowercased() == field.lowercased() }
                if field.lowercased().hasSuffix("-signature") { #expect(recorded?.value == value, "\(sample)") }
            }
        }
    }

    @Test func `signed fields are what the verifier accepts`() throws {
        for (name, secret) in [
            ("stream", SourceSecret(id: "key", value: [1, 2, 3])),
            ("fastpix", SourceSecret(value: SampleLibrary.fastPixSecret)),
        ] {
            let provider = try #require(ProviderRegistry.provider(named: name))
            let keys = try provider.makeKeys([secret])
            let verifier = provider.makeVerifier(keys: keys, inflater: Inflater(maxInflatedBytes: 1000))
            let body = Array("{}".utf8)
            let fields = provider.signedFields(for: body, key: keys.keys[0], webhookID: "w")
            var record = Record(source: name, fields: fields, body: body)
            let outcome = try record.pass { view, writer in
                AcceptedWebhook(view).map { verifier.verify($0, into: &writer) }
            }
            #expect(outcome == .verified)
        }
    }
}
