package import Wire

/// FastPix: JSON webhooks signed with the base64-decoded signing secret over the raw body.
package enum FastPixProvider: Provider {
    package static let name = "fastpix"

    /// When a URL is saved, the dashboard sends an unsigned `{}` or nothing, and wants 2xx.
    package static func isProbe(head: RequestHead, body: UnsafeRawBufferPointer) -> Bool {
        guard body.count <= 16, head.value(FastPixVerifier.signatureField) == nil else { return false }
        let text = body.filter { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        return text.isEmpty || text.elementsEqual("{}".utf8)
    }

    /// Each secret is decoded from base64, as the dashboard shows it; its id is optional.
    package static func makeKeys(_ secrets: [SourceSecret]) throws(SourceKeyError) -> SourceKeys {
        guard !secrets.isEmpty else { throw .noSecrets(provider: name) }
        var keys: [SourceKey] = []
        for (index, secret) in secrets.enumerated() {
            guard !secret.value.isEmpty else { throw .empty(index: index) }
            guard let bytes = secret.value.withUnsafeBytes({ Base64.decode($0) }), !bytes.isEmpty else {
                throw .notBase64(index: index)
            }
            keys.append(SourceKey(id: secret.id ?? String(index), bytes: bytes))
        }
        return SourceKeys(keys)
    }

    package static func makeVerifier(keys: SourceKeys, inflater: Inflater) -> any WebhookVerifier {
        FastPixVerifier(keys: keys)
    }

    package static func makeNormaliser() -> any WebhookNormaliser {
        FastPixNormaliser()
    }

    package static func signedFields(
        for body: [UInt8], key: SourceKey, webhookID: String
    ) -> [(name: String, value: String)] {
        let signature = body.withUnsafeBytes { HMACKey(key.bytes).withCode(of: $0, Base64.encode) }
        return [("Content-Type", "application/json"), ("FastPix-Signature", signature)]
    }
}
