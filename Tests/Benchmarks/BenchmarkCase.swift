import Events
import Providers
import Verification
import VerificationSchemes
import WebhookSamples
import Wire

/// A webhook whose way through the stages is measured.
struct BenchmarkCase {
    /// The default of `ingress.max_body_bytes`.
    static let maxBodyBytes = 1 << 20
    private static let receivedAtNanoseconds: Int64 = 1_767_225_600_000_000_000

    let name: String
    let provider: any Provider.Type
    let verification: SourceVerification
    var options = MappingOptions()
    let body: [UInt8]
    /// Figures are per element.
    var elements = 1
    /// Whether it takes so long that a few times are enough.
    var isLarge = false
    /// What it is refused with; nil where it becomes events.
    var refusal: RejectionCode?
    var isCompressed = false

    /// The record that the ingress makes of it, signed as its sender would.
    func record() -> [UInt8] {
        var fields: [(name: String, value: String)] = [
            ("host", "gateway.example.com"), ("user-agent", "provider/1.0"),
            ("x-webhook-id", "5d5c1f0e-6a0e-4f0e-9a55-0f6f0c9b6d11"), ("accept-encoding", "gzip"),
        ]
        if let key = verification.keys.keys.first {
            let signed = SourceSigner.fields(
                for: body, verification: verification, key: key, webhookID: "w1",
                atNanoseconds: Self.receivedAtNanoseconds)
            fields += signed.fields
            if let token = signed.pathToken { fields.append((RequestHead.pathToken, token)) }
        }
        if !fields.contains(where: { $0.name == "content-type" }) {
            let isForm = provider.name == TwilioProvider.name
            fields.append(("content-type", isForm ? "application/x-www-form-urlencoded" : "application/json"))
        }
        return Record(
            source: verification.source, fields: fields, body: isCompressed ? Gzip.compress(body) : body,
            receivedAtNanoseconds: Self.receivedAtNanoseconds
        ).bytes
    }
}
