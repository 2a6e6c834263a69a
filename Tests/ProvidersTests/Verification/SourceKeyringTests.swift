import Primitives
import Testing
import WebhookSamples

@testable import Providers
@testable import VerificationSchemes

struct SourceKeyringTests {
    @Test func `keys of one id are told apart by their number, whatever the other ids are`() {
        for (ids, labels) in [
            (["a"], ["a"]), (["a", "b"], ["a", "b"]), (["a", "a", "a"], ["a", "a#2", "a#3"]),
            (["a", "a#2", "a"], ["a", "a#2", "a#3"]), (["b", "a", "b", "a"], ["b", "a", "b#2", "a#2"]),
            (["1", "1"], ["1", "1#2"]), ([], []),
        ] {
            let keys = SourceKeys(ids.map { SourceKey(id: $0, bytes: [1]) }).toldApart.keys
            #expect(keys.map(\.label) == labels && keys.map(\.id) == ids)
        }
    }

    private func keys(_ scheme: String, _ secrets: [SourceSecret]) throws -> [SourceKey] {
        let scheme = try #require(SchemePresets.scheme(named: scheme))
        return try SourceKeyring.keys(secrets, for: scheme, provider: scheme.name).keys
    }

    private func code(_ scheme: VerificationScheme, _ secrets: [SourceSecret]) -> String? {
        do throws(SourceKeyError) {
            _ = try SourceKeyring.keys(secrets, for: scheme, provider: "acme")
            return nil
        } catch {
            #expect(error.description.count > 40 && !error.description.contains("s3cr3t"))
            return error.code
        }
    }

    private func secret(_ text: String, id: String? = nil) -> SourceSecret {
        SourceSecret(id: id, value: Array(text.utf8))
    }

    private func signature(_ form: KeyForm, _ algorithm: SignatureField.Algorithm = .hmacSHA256) -> VerificationScheme {
        VerificationScheme(
            "custom", .signature(SignatureScheme([SignatureField(algorithm, field: "x", .hex)], keyForm: form)))
    }

    @Test func `secrets become keys as their scheme says`() throws {
        #expect(try keys("mux", [secret("abc")])[0].bytes == Array("abc".utf8))
        #expect(try keys("daily", [secret("YWJj")])[0].bytes == Array("abc".utf8))
        #expect(try keys("daily", [secret("YWI=")])[0].bytes == Array("ab".utf8))
        #expect(try keys("daily", [secret("YWI")])[0].bytes == Array("ab".utf8))
        #expect(try keys("standard-webhooks", [secret("whsec_YWJj")])[0].bytes == Array("abc".utf8))
        #expect(try keys("standard-webhooks", [secret("YWJj")])[0].bytes == Array("abc".utf8))
        #expect(
            try SourceKeyring.keys([secret("6162FF")], for: signature(.hex), provider: "p").keys[0].bytes
                == [0x61, 0x62, 0xFF])
    }

    @Test func `keys are named by id, or by their place`() throws {
        let all = try keys("mux", [secret("a"), secret("b", id: "now"), secret("c", id: ""), secret("d")])
        #expect(all.map(\.id) == ["0", "now", "2", "3"])
        let validity = KeyValidity(notBeforeNanoseconds: 1, notAfterNanoseconds: 2)
        let timed = SourceSecret(value: [1], validity: validity)
        #expect(try keys("mux", [timed])[0].validity == validity)
    }

    @Test func `public keys are known by prefix or by their scheme`() throws {
        let vector = try #require(
            try SignedVector.byLibraries().first { $0.verification.keys.keys[0].isPublic })
        let bytes = vector.verification.keys.keys[0].bytes
        #expect(bytes.count == 32)
        let hex = bytes.withUnsafeBytes { Hexadecimal.encode($0) }
        let key = try SourceKeyring.keys([secret(hex)], for: signature(.hex, .ed25519), provider: "p").keys[0]
        #expect(key.isPublic && key.bytes == bytes)
        #expect(code(signature(.hex, .ed25519), [secret(String(hex.dropLast(2)))]) == "secret_not_public_key")
        #expect(code(SchemePresets.standardWebhooks, [secret("whpk_YWJj")]) == "secret_not_public_key")
        #expect(code(SchemePresets.standardWebhooks, [secret("whsk_YWJj")]) == "secret_private_key")
    }

    @Test func `wrong secrets are told with a sentence that holds no secret`() {
        #expect(code(SchemePresets.mux, []) == "secrets_missing")
        #expect(code(SchemePresets.mux, [secret("a"), secret("")]) == "secret_empty")
        #expect(code(SchemePresets.standardWebhooks, [secret("whsec_")]) == "secret_empty")
        #expect(code(SchemePresets.liveKit, [secret("s3cr3t")]) == "secret_id_missing")
        #expect(code(SchemePresets.liveKit, [secret("s3cr3t", id: "")]) == "secret_id_missing")
        #expect(code(SchemePresets.daily, [secret("s3cr3t!")]) == "secret_not_base64")
        #expect(code(SchemePresets.standardWebhooks, [secret("whsec_s3cr3t!")]) == "secret_not_base64")
        #expect(code(signature(.hex), [secret("s3cr3t!")]) == "secret_not_hexadecimal")
        #expect(code(signature(.hex), [secret("abc")]) == "secret_not_hexadecimal")
        #expect(code(VerificationScheme("b", .token(.basic)), [secret("s3cr3t")]) == "secret_not_basic")
        #expect(code(VerificationScheme("b", .token(.basic)), [secret("user:s3cr3t")]) == nil)
        #expect(code(.none, [secret("s3cr3t")]) == "secrets_unused")
        #expect(code(.none, []) == nil)
    }

    @Test func `likely mistakes are named`() {
        func sentence(_ scheme: VerificationScheme, _ text: String) -> String {
            do throws(SourceKeyError) {
                _ = try SourceKeyring.keys([secret(text)], for: scheme, provider: "acme")
                return ""
            } catch {
                return error.description
            }
        }
        #expect(sentence(SchemePresets.daily, "\"YWJj\"").contains("quotes"))
        #expect(sentence(SchemePresets.daily, "YWJj\n").contains("line break"))
        #expect(sentence(SchemePresets.daily, " YWJj").contains("space"))
        #expect(sentence(SchemePresets.daily, "whsec_YWJj").contains("whsec_"))
        #expect(sentence(signature(.hex), "'6162'").contains("quotes"))
    }

    @Test func `doubtful and weak secrets give warnings without the secret`() {
        let strong = "a-secret-of-24-characters"
        for (text, word) in [
            (strong + "\n", "line break"), ("'\(strong)'", "quotes"), (strong + " ", "space"),
            ("whsec_" + strong, "whsec_"), ("short", "fewer than 16 bytes"),
        ] {
            let warnings = SourceKeyring.warnings([secret(strong), secret(text, id: "k")], for: SchemePresets.mux)
            #expect(warnings.count == 1 && warnings[0].contains(word) && warnings[0].hasPrefix("secret k"))
            #expect(!warnings[0].contains(strong) && !warnings[0].contains("short"))
        }
        #expect(SourceKeyring.warnings([secret("YWJj")], for: SchemePresets.daily).count == 1)
        #expect(SourceKeyring.warnings([secret("not base64!")], for: SchemePresets.daily).isEmpty)
        #expect(SourceKeyring.warnings([secret("x")], for: .none).isEmpty)
    }

    @Test func `nothing that describes itself says a secret`() {
        let secret = secret("s3cr3t", id: "a")
        #expect(!"\(secret) \(SourceKey(id: "a", bytes: secret.value))".contains("s3cr3t"))
    }

    @Test func `the presets have their names`() {
        #expect(
            SchemePresets.names == [
                "stream", "fastpix", "fishjam", "standard-webhooks", "livekit", "mux", "daily", "twilio", "zoom",
                "agora", "cloudflare-stream", "path-token", "none",
            ])
        for name in SchemePresets.names { #expect(SchemePresets.scheme(named: name)?.name == name) }
        #expect(SchemePresets.scheme(named: "nobody") == nil)
    }
}
