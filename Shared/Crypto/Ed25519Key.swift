internal import COpenSSL

/// An Ed25519 public key (RFC 8032). Belongs to one thread.
package final class Ed25519Key {
    package static let keyBytes = 32
    package static let signatureBytes = 64

    private let key: OpaquePointer
    private let context: OpaquePointer

    /// Nil where `bytes` are no public key.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.keyBytes,
            let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes, bytes.count)
        else { return nil }
        guard let context = EVP_MD_CTX_new() else {
            fatalError("out of memory: a verification context needs a few bytes")
        }
        self.key = key
        self.context = context
    }

    deinit {
        EVP_MD_CTX_free(context)
        EVP_PKEY_free(key)
    }

    /// Whether `signature` is the owner's over `bytes`.
    package func verifies(_ signature: UnsafeRawBufferPointer, over bytes: UnsafeRawBufferPointer) -> Bool {
        guard signature.count == Self.signatureBytes else { return false }
        EVP_MD_CTX_reset(context)
        guard EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return false }
        let none: [UInt8] = [0]
        return none.withUnsafeBufferPointer { nothing in
            EVP_DigestVerify(
                context, signature.bindMemory(to: UInt8.self).baseAddress, signature.count,
                bytes.bindMemory(to: UInt8.self).baseAddress ?? nothing.baseAddress, bytes.count) == 1
        }
    }
}
