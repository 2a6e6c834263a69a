internal import COpenSSL

/// Ids made of content: `sha256:` and the hexadecimal SHA-256 (FIPS 180-4) of bytes. The algorithm is looked up once and
/// its state is used again, so that an id costs no allocation. Belongs to one thread.
package final class ContentDigest {
    private let algorithm: OpaquePointer
    private let context: OpaquePointer

    package init() {
        guard let algorithm = EVP_MD_fetch(nil, "SHA256", nil), let context = EVP_MD_CTX_new() else {
            fatalError("libcrypto has no SHA-256: the OpenSSL installation is damaged or its default provider is off")
        }
        self.algorithm = algorithm
        self.context = context
    }

    deinit {
        EVP_MD_CTX_free(context)
        EVP_MD_free(algorithm)
    }

    /// Appends the id of `bytes`: 71 characters.
    package func appendID(of bytes: UnsafeRawBufferPointer, to id: inout [UInt8]) {
        var digest = InlineArray<32, UInt8>(repeating: 0)
        var mutableSpan = digest.mutableSpan
        let isMade = mutableSpan.withUnsafeMutableBufferPointer { target in
            EVP_DigestInit_ex2(context, algorithm, nil) == 1
                && EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
                && EVP_DigestFinal_ex(context, target.baseAddress, nil) == 1
        }
        precondition(isMade, "libcrypto computes SHA-256 over any bytes")
        id.append(contentsOf: "sha256:".utf8)
        for index in digest.indices {
            id.append(Self.digit(digest[index] >> 4))
            id.append(Self.digit(digest[index] & 0xF))
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
