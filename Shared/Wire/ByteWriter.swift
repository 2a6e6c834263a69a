/// Writes little-endian values into one growing buffer; the counterpart of `ByteReader`.
@usableFromInline package struct ByteWriter {
    @usableFromInline package var bytes: [UInt8]

    @inlinable package init(reservingBytes capacity: Int = 0) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    @inlinable package var count: Int { bytes.count }

    @inlinable package mutating func u8(_ value: UInt8) {
        bytes.append(value)
    }

    @inlinable package mutating func u16(_ value: UInt16) { integer(value) }
    @inlinable package mutating func u32(_ value: UInt32) { integer(value) }
    @inlinable package mutating func u64(_ value: UInt64) { integer(value) }

    /// Into the array's spare room: half the work of appending from memory.
    @inlinable @inline(__always)
    mutating func integer<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) {
        bytes.append(addingCapacity: MemoryLayout<Value>.size) { room in
            room.withUnsafeMutableBufferPointer { target, count in
                UnsafeMutableRawBufferPointer(target).storeBytes(
                    of: value.littleEndian, toByteOffset: count, as: Value.self)
                count += MemoryLayout<Value>.size
            }
        }
    }

    @inlinable package mutating func i64(_ value: Int64) {
        u64(UInt64(bitPattern: value))
    }

    @inlinable package mutating func raw(_ value: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: value)
    }

    @inlinable package mutating func raw(_ value: [UInt8]) {
        bytes.append(contentsOf: value)
    }

    /// A short text with a one-byte length; longer texts are cut at 255 bytes.
    @inlinable package mutating func text8(_ value: String) {
        lend(value, most: Int(UInt8.max)) { writer, utf8 in
            writer.u8(UInt8(utf8.count))
            writer.raw(utf8)
        }
    }

    /// A text with a two-byte length; longer texts are cut at 65 535 bytes.
    @inlinable package mutating func text16(_ value: String) {
        lend(value, most: Int(UInt16.max)) { writer, utf8 in
            writer.u16(UInt16(utf8.count))
            writer.raw(utf8)
        }
    }

    @inlinable @inline(__always)
    mutating func lend(_ value: String, most: Int, _ write: (inout ByteWriter, UnsafeRawBufferPointer) -> Void) {
        var value = value
        value.withUTF8 { utf8 in
            write(&self, UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: utf8[..<min(utf8.count, most)])))
        }
    }

    /// Overwrites two bytes written earlier, for counts known only afterwards.
    @inlinable package mutating func patchU16(_ value: UInt16, at offset: Int) {
        precondition(offset >= 0 && offset + 2 <= bytes.count, "a patch lies inside what was written")
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt16.self) }
    }

    /// Overwrites four bytes written earlier, for lengths known only afterwards.
    @inlinable package mutating func patchU32(_ value: UInt32, at offset: Int) {
        precondition(offset >= 0 && offset + 4 <= bytes.count, "a patch lies inside what was written")
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self) }
    }
}
