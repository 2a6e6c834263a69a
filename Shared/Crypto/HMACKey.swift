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
        begin()
        add(bytes)
        return finish(body)
    }

    /// Begins a code; what is `add`ed from now on is what it is of.
    package func begin() {
        // No key: libcrypto starts again with the one that it has.
        precondition(EVP_MAC_init(context, nil, 0, nil) == 1, Self.alwaysWorks)
    }

    package func add(_ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        let added = EVP_MAC_update(context, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
        precondition(added == 1, Self.alwaysWorks)
    }

    /// Lends the code of all that was added.
    @inlinable package func finish<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        finish()
        return code.withUnsafeBytes(body)
    }

    @usableFromInline func finish() {
        var length = 0
        let room = code.count
        precondition(EVP_MAC_final(context, &code, &length, room) == 1 && length == room, Self.alwaysWorks)
    }

    private static var alwaysWorks: String { "libcrypto computes HMAC over any bytes" }

    /// Whether `expected` is the code of `bytes`; takes the same time whatever the answer.
    package func matches(_ expected: UnsafeRawBufferPointer, over bytes: UnsafeRawBufferPointer) -> Bool {
        withCode(of: bytes) { ConstantTime.equal($0, expected) }
    }
}
