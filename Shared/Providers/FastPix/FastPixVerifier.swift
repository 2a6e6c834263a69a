import Events
import Wire

/// Checks `FastPix-Signature`: the base64 text (44 characters) of HMAC-SHA256 over the raw body, keyed with the
/// base64-decoded signing secret (FastPix/node-sdk, `src/sdk/webhooks.ts`). No time is signed, so none is checked.
final class FastPixVerifier: WebhookVerifier {
    static let signatureField: StaticString = "fastpix-signature"

    private let keys: [(id: String, key: HMACKey)]

    init(keys: SourceKeys) {
        self.keys = keys.keys.map { ($0.id, HMACKey($0.bytes)) }
    }

    func verify(_ webhook: AcceptedWebhook, into writer: inout ByteWriter) -> VerificationOutcome {
        guard let text = webhook.head.value(Self.signatureField), !text.isEmpty else {
            return .refused(.signatureMissing, detail: "the request has no FastPix-Signature")
        }
        guard text.count == 44, let signature = Base64.decode(text), signature.count == HMACKey.codeBytes else {
            return .refused(.signatureMalformed, detail: "FastPix-Signature is not the base64 text of 32 bytes")
        }
        let matching = signature.withUnsafeBytes { expected in
            keys.first { $0.key.matches(expected, over: webhook.body) }
        }
        guard let matching else {
            return .refused(.signatureMismatch, detail: "FastPix-Signature was not made with a configured secret")
        }
        Verification(scheme: FastPixProvider.name, keyID: matching.id).write(to: &writer)
        return .verified
    }
}
