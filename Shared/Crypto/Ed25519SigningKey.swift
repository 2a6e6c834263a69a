internal import COpenSSL

/// An Ed25519 private key (RFC 8032). Belongs to one thread.
package final class Ed25519SigningKey {
    package static let seedBytes = 32
    package static let signatureBytes = 64

    private let key: OpaquePointer
    private let context: OpaquePointer

    /// `bytes`: the seed of 32 bytes, or seed and public key together (64 bytes, as libsodium keeps it). Nil for other
    /// lengths.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.seedBytes || bytes.count == 2 * Self.seedBytes,
            let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, bytes, Self.seedBytes)
        else { return nil }
        guard let context = EVP_MD_CTX_new() else {
            fatalError("out of memory: a signing context needs a few bytes")
        }
        self.key = key
        self.context = context
    }

    deinit {
        EVP_MD_CTX_free(context)
        EVP_PKEY_free(key)
    }

    /// Lends the signature of `bytes`.
    package func withSignature<Result>(
        of bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        var signature = [UInt8](repeating: 0, count: Self.signatureBytes)
        var length = Self.signatureBytes
        EVP_MD_CTX_reset(context)
        let started = EVP_DigestSignInit(context, nil, nil, nil, key)
        let none: [UInt8] = [0]
        let signed = none.withUnsafeBufferPointer { nothing in
            EVP_DigestSign(
                context, &signature, &length, bytes.bindMemory(to: UInt8.self).baseAddress ?? nothing.baseAddress,
                bytes.count)
        }
        precondition(
            started == 1 && signed == 1 && length == Self.signatureBytes, "libcrypto signs any bytes with Ed25519")
        return signature.withUnsafeBytes(body)
    }

    /// The key by which others verify: 32 bytes.
    package var publicKey: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.seedBytes)
        var length = bytes.count
        let got = EVP_PKEY_get_raw_public_key(key, &bytes, &length)
        precondition(got == 1 && length == Self.seedBytes, "every Ed25519 key has a public part of 32 bytes")
        return bytes
    }
}
