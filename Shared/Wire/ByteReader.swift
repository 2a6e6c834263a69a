/// What can be wrong with bytes that claim to be in this project's wire format. The code is stable.
@usableFromInline package enum WireError: String, Error, Sendable {
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
///
/// (`@usableFromInline`: without it Swift calls what is `@inlinable` in a `package` type from other modules all the same.)
@usableFromInline package struct ByteReader {
    /// What is still to be read.
    @usableFromInline package var rest: UnsafeRawBufferPointer

    @inlinable package init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    @inlinable package var isAtEnd: Bool { @inline(__always) get { rest.isEmpty } }

    /// The next `count` bytes.
    @inlinable @inline(__always)
    package mutating func bytes(_ count: Int) throws(WireError) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= rest.count else { throw .truncated }
        let taken = UnsafeRawBufferPointer(start: rest.baseAddress, count: count)
        rest = UnsafeRawBufferPointer(start: rest.baseAddress.map { $0 + count }, count: rest.count &- count)
        return taken
    }

    @inlinable @inline(__always) package mutating func u8() throws(WireError) -> UInt8 { try integer() }
    @inlinable @inline(__always) package mutating func u16() throws(WireError) -> UInt16 { try integer() }
    @inlinable @inline(__always) package mutating func u32() throws(WireError) -> UInt32 { try integer() }
    @inlinable @inline(__always) package mutating func u64() throws(WireError) -> UInt64 { try integer() }

    @inlinable @inline(__always) package mutating func i64() throws(WireError) -> Int64 {
        Int64(bitPattern: try u64())
    }

    @inlinable @inline(__always)
    mutating func integer<Value: FixedWidthInteger & UnsignedInteger>() throws(WireError) -> Value {
        Value(littleEndian: try bytes(MemoryLayout<Value>.size).loadUnaligned(as: Value.self))
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
