package import Wire

/// Stream Video (getstream.io): JSON webhooks, optionally gzip, signed with the API secret over the uncompressed body;
/// `X-API-KEY` says which app sent them. It sends no probe.
package enum StreamProvider: Provider {
    package static let name = "stream"

    package static func isProbe(head: RequestHead, body: UnsafeRawBufferPointer) -> Bool { false }

    /// Every secret needs its API key as `id`; one API key may have several secrets.
    package static func makeKeys(_ secrets: [SourceSecret]) throws(SourceKeyError) -> SourceKeys {
        guard !secrets.isEmpty else { throw .noSecrets(provider: name) }
        var keys: [SourceKey] = []
        for (index, secret) in secrets.enumerated() {
            guard !secret.value.isEmpty else { throw .empty(index: index) }
            guard let id = secret.id, !id.isEmpty else { throw .idMissing(index: index) }
            keys.append(SourceKey(id: id, bytes: secret.value))
        }
        return SourceKeys(keys)
    }

    package static func makeVerifier(keys: SourceKeys, inflater: Inflater) -> any WebhookVerifier {
        StreamVerifier(keys: keys, inflater: inflater)
    }

    package static func makeNormaliser() -> any WebhookNormaliser {
        StreamNormaliser()
    }

    package static func signedFields(
        for body: [UInt8], key: SourceKey, webhookID: String
    ) -> [(name: String, value: String)] {
        let signature = body.withUnsafeBytes { HMACKey(key.bytes).withCode(of: $0, Hexadecimal.encode) }
        return [
            ("Content-Type", "application/json"), ("X-WEBHOOK-ID", webhookID), ("X-WEBHOOK-ATTEMPT", "1"),
            ("X-API-KEY", key.id), ("X-SIGNATURE", signature),
        ]
    }
}
