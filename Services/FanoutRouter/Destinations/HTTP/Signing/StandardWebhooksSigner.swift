import Primitives
import Providers
import Wire

/// Signs deliveries after Standard Webhooks (standard-webhooks/standard-webhooks@b2fa7b87, spec/standard-webhooks.md):
/// over `id.timestamp.body`, `v1,` and base64 of HMAC-SHA256 for every `whsec_` secret, `v1a,` and base64 of the Ed25519
/// signature for every `whsk_` key, parted by blanks.
///
/// Belongs to the event loop of the lanes.
final class StandardWebhooksSigner {
    private enum Key {
        case symmetric(HMACKey)
        case asymmetric(Ed25519SigningKey)
    }

    private static let symmetricVersion: StaticString = "v1,"
    private static let asymmetricVersion: StaticString = "v1a,"

    private let keys: [Key]
    private var scratch: [UInt8] = []

    /// Throws a sentence where a secret is no key (an optional `whsec_` before it is no part of it).
    init(secrets: [[UInt8]]) throws(SigningSecretError) {
        var keys: [Key] = []
        for secret in secrets { keys.append(try Self.key(secret)) }
        self.keys = keys
    }

    private static func key(_ secret: [UInt8]) throws(SigningSecretError) -> Key {
        let key = StandardWebhooksKey(secret)
        guard key.kind != .publicKey, let bytes = Array(key.base64).withUnsafeBytes({ Base64.decode($0) }),
            !bytes.isEmpty
        else { throw .standardWebhooks }
        guard key.kind == .privateKey else { return .symmetric(HMACKey(bytes)) }
        guard let key = Ed25519SigningKey(bytes) else { throw .standardWebhooks }
        return .asymmetric(key)
    }

    /// Appends the value of `webhook-signature`. `prefix` is `id.timestamp.`.
    func sign(_ prefix: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: prefix)
        scratch.append(contentsOf: body)
        for (index, key) in keys.enumerated() {
            if index > 0 { writer.u8(UInt8(ascii: " ")) }
            scratch.withUnsafeBytes { signed in
                switch key {
                case .symmetric(let key):
                    writer.raw(Self.symmetricVersion.bytes)
                    key.withCode(of: signed) { Base64.encode($0, to: &writer) }
                case .asymmetric(let key):
                    writer.raw(Self.asymmetricVersion.bytes)
                    key.withSignature(of: signed) { Base64.encode($0, to: &writer) }
                }
            }
        }
    }
}

/// A signing secret that cannot be used.
struct SigningSecretError: Error, CustomStringConvertible {
    let description: String

    static let standardWebhooks = SigningSecretError(
        description: "a standard-webhooks secret is base64, with or without whsec_ before it (make one with: openssl "
            + "rand -base64 32), or whsk_ and the base64 of an Ed25519 seed of 32 bytes")
    static let controlCharacter = SigningSecretError(
        description: "a header token holds no control characters and no line end")
}
