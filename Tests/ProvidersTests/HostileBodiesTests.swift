import Events
import Gzip
import Primitives
import Providers
import SimdJSON
import Testing
import Verification
import VerificationSchemes
import WebhookSamples
import Wire

/// Bodies that cost a careless reader far more than their sender.
@Suite struct HostileBodiesTests {
    @Test(arguments: [100, 16 * 1024, 1 << 20, 2 << 20])
    func `of a mebibyte of gzip that holds a gibibyte no more is inflated than the limit and one byte`(limit: Int) {
        let member = Gzip.compress([UInt8](repeating: 0x20, count: 16 << 20))
        let bomb = Array(repeatElement(member, count: 64).joined())
        #expect(bomb.count < 1_100_000)
        let inflater = Inflater(maxInflatedBytes: limit)
        let isTooLarge = bomb.withUnsafeBytes { body in
            inflater.inflate(body) { if case .tooLarge = $0 { true } else { false } }
        }
        #expect(isTooLarge)
        // The output grows in steps: a limit smaller than the first one is noticed behind it.
        #expect(inflater.inflatedBytes <= max(limit + 1, 16 * 1024))
    }

    @Test func `50 000 empty members of gzip are nothing`() {
        let bomb = Array(repeatElement(Gzip.compress([]), count: 50_000).joined())
        let inflater = Inflater(maxInflatedBytes: 100)
        let count = bomb.withUnsafeBytes { body in
            inflater.inflate(body) { if case .inflated(let bytes) = $0 { bytes.count } else { -1 } }
        }
        #expect(count == 0)
    }

    @Test func `300 000 keys, a million digits and a depth of 100 000 are read once and refused`() {
        let reader = JSONReader(fields: ["type"], redactions: ["**.secret"])
        func read(_ text: String) -> RejectionCode? { Array(text.utf8).withUnsafeBytes { reader.read($0) } }
        #expect(read("{" + (0..<300_000).map { "\"\($0)\":0" }.joined(separator: ",") + "}") == nil)
        #expect(reader.string(0) == nil)
        #expect(read(#"{"type":"# + String(repeating: "9", count: 1_000_000) + "}") == nil)
        #expect(reader.string(0) == nil && reader.identifier(0) == nil)
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        #expect(read(#"{"type":"# + deep + "}") == .bodyTooDeep)
    }

    @Test func `a form of 300 000 parameters is refused before they are sorted`() throws {
        let scheme = try #require(SchemePresets.scheme(named: "twilio"))
        let keys = try SourceKeyring.keys(
            [SourceSecret(value: Array("0123456789abcdef".utf8))], for: scheme, provider: "twilio")
        let verification = SourceVerification(
            source: "twilio", scheme: scheme, keys: keys, publicURL: "https://gateway.example.com")
        let verifier = SourceVerifier(verification, inflater: Inflater(maxInflatedBytes: 100))
        func verify(parameters: Int) throws -> VerificationOutcome {
            let body = Array((0..<parameters).map { "a\($0)=" }.joined(separator: "&").utf8)
            let form = [("content-type", "application/x-www-form-urlencoded")]
            let signature = [UInt8](repeating: 1, count: 20).withUnsafeBytes { Base64.encode($0) }
            var record = Record(
                source: "twilio", fields: form + [("x-twilio-signature", signature)], body: body)
            return try record.pass { view, writer in
                guard let webhook = AcceptedWebhook(view) else { return .refused(.envelopeDamaged, detail: "") }
                return verifier.verify(webhook, into: &writer)
            }
        }
        guard case .refused(.signatureMismatch, let few) = try verify(parameters: 1000),
            case .refused(.signatureMismatch, let many) = try verify(parameters: 300_000)
        else {
            Issue.record("a wrong signature is a mismatch")
            return
        }
        #expect(!few.contains("1000 parameters") && many.contains("1000 parameters"))
    }
}
