internal import COpenSSL

/// The one place where secrets are compared.
package enum ConstantTime {
    /// Whether both hold the same bytes, in a time that depends on the lengths alone.
    package static func equal(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Bool {
        guard first.count == second.count else { return false }
        guard let left = first.baseAddress, let right = second.baseAddress else { return true }
        return CRYPTO_memcmp(left, right, first.count) == 0
    }
}
