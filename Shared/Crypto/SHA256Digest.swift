internal import COpenSSL

/// SHA-256 (FIPS 180-4) of bytes in memory.
package enum SHA256Digest {
    package static let byteCount = 32

    package static func of(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: byteCount)
        var length: UInt32 = 0
        let made = EVP_Digest(bytes.baseAddress, bytes.count, &digest, &length, EVP_sha256(), nil)
        precondition(made == 1 && Int(length) == byteCount, "libcrypto computes SHA-256 over any bytes")
        return digest
    }
}

/// SHA-1 (FIPS 180-4), for the one place that asks for it and needs no security of it: the opening handshake of a
/// WebSocket (RFC 6455, section 4.2.2).
package enum SHA1Digest {
    package static func of(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 20)
        var length: UInt32 = 0
        let made = EVP_Digest(bytes.baseAddress, bytes.count, &digest, &length, EVP_sha1(), nil)
        precondition(made == 1 && length == 20, "libcrypto computes SHA-1 over any bytes")
        return digest
    }
}
