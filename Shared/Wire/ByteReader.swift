/// What can be wrong with bytes that claim to be in this project's wire format. The code is stable.
package enum WireError: String, Error, Sendable {
    case truncated
    case unknownMagic = "unknown_magic"
    case unknownVersion = "unknown_version"
    case unknownKind = "unknown_kind"
    case badLength = "bad_length"
    case badChecksum = "bad_checksum"
}

/// Reads little-endian values from foreign bytes. Every read is checked; nothing traps.
///
/// The reader does not own the bytes: it must not outlive the closure that lent them.
package struct ByteReader {
    /// What is still to be read.
    package var rest: UnsafeRawBufferPointer

    @inlinable package init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    @inlinable package var isAtEnd: Bool { rest.isEmpty }

    /// The next `count` bytes.
    @inlinable package mutating func bytes(_ count: Int) throws(WireError) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= rest.count else { throw .truncated }
        let taken = UnsafeRawBufferPointer(rebasing: rest[..<count])
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        return taken
    }

    @inlinable package mutating func u8() throws(WireError) -> UInt8 {
        try bytes(1)[0]
    }

    @inlinable package mutating func u16() throws(WireError) -> UInt16 {
        UInt16(littleEndian: try bytes(2).loadUnaligned(as: UInt16.self))
    }

    @inlinable package mutating func u32() throws(WireError) -> UInt32 {
        UInt32(littleEndian: try bytes(4).loadUnaligned(as: UInt32.self))
    }

    @inlinable package mutating func u64() throws(WireError) -> UInt64 {
        UInt64(littleEndian: try bytes(8).loadUnaligned(as: UInt64.self))
    }

    @inlinable package mutating func i64() throws(WireError) -> Int64 {
        Int64(bitPattern: try u64())
    }

    /// A short text: its length in one byte, then UTF-8. Bytes that are not UTF-8 are repaired, never refused.
    @inlinable package mutating func text8() throws(WireError) -> String {
        String(decoding: try bytes(Int(try u8())), as: UTF8.self)
    }

    /// A text with a two-byte length.
    @inlinable package mutating func text16() throws(WireError) -> String {
        String(decoding: try bytes(Int(try u16())), as: UTF8.self)
    }
}
