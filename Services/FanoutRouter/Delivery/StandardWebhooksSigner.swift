import Providers
import Wire

/// Signs deliveries after Standard Webhooks (standard-webhooks/standard-webhooks@b2fa7b87, spec/standard-webhooks.md):
/// `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, one for every secret, parted by a blank.
///
/// Belongs to the event loop of the lanes.
final class StandardWebhooksSigner {
    private let keys: [HMACKey]
    private var scratch: [UInt8] = []

    /// Throws a sentence where a secret is not base64 (an optional `whsec_` before it is no part of it).
    init(secrets: [[UInt8]]) throws(SigningSecretError) {
        var keys: [HMACKey] = []
        for secret in secrets {
            let prefix = Array("whsec_".utf8)
            let encoded = secret.starts(with: prefix) ? Array(secret.dropFirst(prefix.count)) : secret
            guard !encoded.isEmpty, let key = encoded.withUnsafeBytes({ Base64.decode($0) }), !key.isEmpty else {
                throw SigningSecretError()
            }
            keys.append(HMACKey(key))
        }
        self.keys = keys
    }

    /// Appends the value of `webhook-signature`. `prefix` is `id.timestamp.`.
    func sign(_ prefix: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: prefix)
        scratch.append(contentsOf: body)
        for (index, key) in keys.enumerated() {
            if index > 0 { writer.u8(UInt8(ascii: " ")) }
            writer.u8(UInt8(ascii: "v"))
            writer.u8(UInt8(ascii: "1"))
            writer.u8(UInt8(ascii: ","))
            scratch.withUnsafeBytes { signed in
                key.withCode(of: signed) { Base64.encode($0, to: &writer) }
            }
        }
    }
}

/// A signing secret that cannot be used.
struct SigningSecretError: Error, CustomStringConvertible {
    var description: String {
        "a standard-webhooks secret is base64, with or without whsec_ before it; make one with: openssl rand -base64 32"
    }
}
