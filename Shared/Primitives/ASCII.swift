#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

extension UInt8 {
    @inlinable package var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    /// A blank or a tab.
    @inlinable package var isBlank: Bool { self == 0x20 || self == 0x09 }

    /// A letter of ASCII in lower case; any other byte as it is.
    @inlinable package var lowercasedLetter: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes without the blanks and tabs around them.
    @inlinable package var trimmed: UnsafeRawBufferPointer {
        var range = 0..<count
        while let first = range.first, self[first].isBlank { range.removeFirst() }
        while let last = range.last, self[last].isBlank { range.removeLast() }
        return UnsafeRawBufferPointer(rebasing: self[range])
    }

    /// Whether these bytes begin with `prefix`, whatever the case of the letters of either.
    @inlinable package func startsIgnoringCase(_ prefix: some Sequence<UInt8>) -> Bool {
        starts(with: prefix) { $0 == $1 || $0.lowercasedLetter == $1.lowercasedLetter }
    }

    /// What stands behind an authentication scheme and its blanks (RFC 9110, 11.1 and 11.4): schemes have no case, and
    /// many blanks are as good as one. Nil where another scheme stands here, or none.
    @inlinable package func credentials(ofScheme scheme: some Collection<UInt8>) -> UnsafeRawBufferPointer? {
        guard count > scheme.count, self[scheme.count].isBlank, startsIgnoringCase(scheme) else { return nil }
        let start = self[scheme.count...].firstIndex { !$0.isBlank } ?? count
        return UnsafeRawBufferPointer(rebasing: self[start...])
    }

    /// Whether these are exactly `bytes`.
    package func equals(_ bytes: [UInt8]) -> Bool {
        guard count == bytes.count else { return false }
        guard let first = baseAddress, count > 0 else { return true }
        return bytes.withUnsafeBytes { $0.baseAddress.map { memcmp($0, first, count) == 0 } ?? true }
    }
}
