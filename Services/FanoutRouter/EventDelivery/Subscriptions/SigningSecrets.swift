import DeliverySigning
import EventLog
import LibCrypto
import PipelineConfiguration
import Primitives
import Wire

/// The secrets that subscriptions of the API sign with: made, judged and named without being shown.
package enum SigningSecrets {
    /// What a secret of Standard Webhooks is good for.
    package enum Kind: String, CaseIterable {
        /// HMAC-SHA256, `v1`: both sides hold the secret.
        case hmac
        /// Ed25519, `v1a`: the subscriber needs only the public key.
        case ed25519
    }

    /// Most secrets that sign at the same time: each is one more signature in every request.
    package static let most = 4

    /// A new secret of 32 random bytes, written as Standard Webhooks writes them.
    static func make(_ kind: Kind) -> [UInt8] {
        var source = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &source) }
        return Array(StandardWebhooksKey.text(kind == .hmac ? .shared : .privateKey, bytes).utf8)
    }

    static func kind(of secret: [UInt8]) -> Kind {
        StandardWebhooksKey.isPrefixed(secret, as: .privateKey) ? .ed25519 : .hmac
    }

    /// By what people tell secrets apart: the first 8 hexadecimal digits of the SHA-256 of the text.
    package static func fingerprint(_ secret: [UInt8]) -> String {
        let digest = secret.withUnsafeBytes { SHA256Digest.of($0) }
        return digest[..<4].withUnsafeBytes { Hexadecimal.encode($0) }
    }

    /// `whpk_` and the base64 of the public key, by which a subscriber verifies `v1a`; nil of a shared secret.
    package static func publicKey(_ secret: [UInt8]) -> String? {
        guard kind(of: secret) == .ed25519 else { return nil }
        let seed = Array(StandardWebhooksKey(secret).base64).withUnsafeBytes { Base64.decode($0) }
        return seed.flatMap { Ed25519SigningKey($0) }.map { StandardWebhooksKey.text(.publicKey, $0.publicKey) }
    }

    /// Why a text cannot be a secret of that scheme; nil where it can. Never repeats the text.
    static func problem(with text: String, _ signing: SigningConfiguration) -> String? {
        for place in ["env:", "file:", "literal:"] where text.hasPrefix(place) {
            return "the API takes secrets as they are, not as a \(place) reference: whoever may call it must not read "
                + "what the router's process can read"
        }
        guard !text.isEmpty else { return "a secret is not empty" }
        do {
            _ = try DeliverySigner(signing, secrets: [Array(text.utf8)])
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// A list for a subscription that has just these, newest first.
    static func stored(_ secrets: [[UInt8]], createdAt nanoseconds: Int64) -> [StoredSecret] {
        secrets.map { StoredSecret(bytes: $0, createdAtNanoseconds: nanoseconds, notAfterNanoseconds: nil) }
    }

    /// Those that still sign.
    static func valid(_ secrets: [StoredSecret], at nanoseconds: Int64) -> [StoredSecret] {
        secrets.filter { secret in secret.notAfterNanoseconds.map { $0 > nanoseconds } ?? true }
    }
}
