internal import CChecksum

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`.
package func crc32c(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    tributary_crc32c(0, bytes.baseAddress, bytes.count)
}
