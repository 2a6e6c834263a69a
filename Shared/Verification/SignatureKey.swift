import Crypto
import VerificationSchemes
import Wire

/// A key made ready for one algorithm.
enum SignatureKey {
    case hmac(HMACKey)
    case ed25519(Ed25519Key)

    /// Nil where the key is of the other kind.
    init?(_ key: SourceKey, for algorithm: SignatureField.Algorithm) {
        switch algorithm {
        case .ed25519:
            guard key.isPublic, let ready = Ed25519Key(key.bytes) else { return nil }
            self = .ed25519(ready)
        case .hmacSHA1, .hmacSHA256, .hmacSHA512:
            guard !key.isPublic, !key.bytes.isEmpty, let digest = algorithm.digest else { return nil }
            self = .hmac(HMACKey(key.bytes, digest))
        }
    }

    /// The first of the signatures, each `codeBytes` long, that is right.
    func match(
        _ signatures: UnsafeRawBufferPointer, codeBytes: Int, over content: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        switch self {
        case .hmac(let key):
            key.withCode(of: content) { code in
                Self.first(of: signatures, codeBytes) { ConstantTime.equal(code, $0) }
            }
        case .ed25519(let key):
            Self.first(of: signatures, codeBytes) { key.verifies($0, over: content) }
        }
    }

    private static func first(
        of signatures: UnsafeRawBufferPointer, _ codeBytes: Int, _ isRight: (UnsafeRawBufferPointer) -> Bool
    ) -> UnsafeRawBufferPointer? {
        for start in stride(from: 0, to: signatures.count, by: codeBytes) {
            let signature = UnsafeRawBufferPointer(rebasing: signatures[start..<start + codeBytes])
            if isRight(signature) { return signature }
        }
        return nil
    }
}

extension SignatureField.Algorithm {
    /// The hash of a MAC; nil for public keys.
    var digest: HMACKey.Digest? {
        switch self {
        case .hmacSHA1: .sha1
        case .hmacSHA256: .sha256
        case .hmacSHA512: .sha512
        case .ed25519: nil
        }
    }

    /// Length of a signature.
    var codeBytes: Int { digest?.codeBytes ?? Ed25519Key.signatureBytes }
}
