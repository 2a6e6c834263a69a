internal import COpenSSL

/// HMAC (RFC 2104) with one key. The key is scheduled once; each code starts from a copy of that state inside
/// libcrypto. Belongs to one thread.
package final class HMACKey {
    /// The hash function inside.
    package enum Digest: String, Sendable {
        case sha1 = "SHA1"
        case sha256 = "SHA256"
        case sha512 = "SHA512"

        /// Length of a code.
        package var codeBytes: Int {
            switch self {
            case .sha1: 20
            case .sha256: 32
            case .sha512: 64
            }
        }
    }

    private let context: OpaquePointer
    /// The code that was made last.
    @usableFromInline private(set) var code: [UInt8]

    /// `secret` must not be empty: `SourceKeyring` refuses empty secrets.
    package init(_ secret: [UInt8], _ digest: Digest = .sha256) {
        precondition(!secret.isEmpty, "a key has at least one byte")
        guard let algorithm = EVP_MAC_fetch(nil, "HMAC", nil), let context = EVP_MAC_CTX_new(algorithm) else {
            fatalError("libcrypto has no HMAC: the OpenSSL installation is damaged or its default provider is off")
        }
        EVP_MAC_free(algorithm)
        self.context = context
        code = [UInt8](repeating: 0, count: digest.codeBytes)
        // The parameters point to both texts, so these must stay where they are until the call is over.
        let initialised = "digest".withCString { key -> Int32 in
            digest.rawValue.withCString { name -> Int32 in
                var parameters = [
                    OSSL_PARAM_construct_utf8_string(key, UnsafeMutablePointer(mutating: name), 0),
                    OSSL_PARAM_construct_end(),
                ]
                return EVP_MAC_init(context, secret, secret.count, &parameters)
            }
        }
        precondition(initialised == 1, "libcrypto accepts any non-empty key for HMAC")
    }

    deinit {
        EVP_MAC_CTX_free(context)
    }

    /// Lends the code of `bytes`.
    @inlinable package func withCode<Result>(
        of bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        compute(bytes)
        return code.withUnsafeBytes(body)
    }

    @usableFromInline func compute(_ bytes: UnsafeRawBufferPointer) {
        var length = 0
        let room = code.count
        // No key: libcrypto starts again with the one that it has.
        let started = EVP_MAC_init(context, nil, 0, nil)
        let updated =
            bytes.isEmpty ? 1 : EVP_MAC_update(context, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
        let finished = EVP_MAC_final(context, &code, &length, room)
        precondition(
            started == 1 && updated == 1 && finished == 1 && length == room, "libcrypto computes HMAC over any bytes")
    }

    /// Whether `expected` is the code of `bytes`; takes the same time whatever the answer.
    package func matches(_ expected: UnsafeRawBufferPointer, over bytes: UnsafeRawBufferPointer) -> Bool {
        withCode(of: bytes) { ConstantTime.equal($0, expected) }
    }
}
