internal import Wire

/// The bytes of blocks and segments; `FORMAT.md` is the reference. Nothing read from a disk traps here: a header that is
/// not right in every field is none.
enum Format {
    static let version: UInt16 = 1
    /// A header of a block and of a segment; the CRC over what stands before it is its last field.
    static let headerBytes = 80
    static let blockMagic: UInt32 = 0x424C_5254  // "TRLB"
    static let segmentMagic: UInt32 = 0x474C_5254  // "TRLG"
    static let superblockMagic: UInt32 = 0x534C_5254  // "TRLS"
    /// No disk asks for more, and the superblock's slots lie so far apart.
    static let mostAlignment = 65536
}

/// What stands in front of a record's content.
struct BlockHeader: Equatable {
    var id: LogID
    var salt: UInt64
    var epoch: UInt64
    var first: UInt64
    var count: UInt32
    var length: UInt32
    var settled: UInt64
    /// The header CRC of the block before.
    var chain: UInt32
    var contentCRC: UInt32
    /// A start has written it again, at the beginning of a segment, because it might not have been on the disk.
    var isCopy = false

    var end: UInt64 { first + UInt64(count) }

    func byteCount(alignment: Int) -> Int { (Format.headerBytes + Int(length)).roundedUp(to: alignment) }

    /// Writes the header; returns its CRC.
    func write(to bytes: UnsafeMutableRawBufferPointer) -> UInt32 {
        bytes.put(Format.blockMagic, at: 0)
        bytes.put(Format.version, at: 4)
        bytes.put(UInt16(isCopy ? 1 : 0), at: 6)
        bytes.put(contentCRC, at: 8)
        bytes.put(chain, at: 12)
        bytes.put(salt, at: 16)
        bytes.put(id.high, at: 24)
        bytes.put(id.low, at: 32)
        bytes.put(epoch, at: 40)
        bytes.put(first, at: 48)
        bytes.put(settled, at: 56)
        bytes.put(count, at: 64)
        bytes.put(length, at: 68)
        bytes.put(UInt32(0), at: 72)
        return bytes.seal(Format.headerBytes)
    }

    /// The CRC of a header that was written or read.
    static func crc(_ bytes: UnsafeRawBufferPointer) -> UInt32 { bytes.get(UInt32.self, at: Format.headerBytes - 4) }
}

extension BlockHeader {
    /// nil where this is no header of the log with that salt. Its content may still be damaged.
    init?(_ bytes: UnsafeRawBufferPointer, salt: UInt64) {
        guard bytes.count >= Format.headerBytes, bytes.get(UInt32.self, at: 0) == Format.blockMagic,
            bytes.get(UInt64.self, at: 16) == salt, bytes.get(UInt16.self, at: 4) == Format.version,
            bytes.isSealed(Format.headerBytes)
        else { return nil }
        isCopy = bytes.get(UInt16.self, at: 6) & 1 != 0
        contentCRC = bytes.get(UInt32.self, at: 8)
        chain = bytes.get(UInt32.self, at: 12)
        self.salt = salt
        id = LogID(high: bytes.get(UInt64.self, at: 24), low: bytes.get(UInt64.self, at: 32))
        epoch = bytes.get(UInt64.self, at: 40)
        first = bytes.get(UInt64.self, at: 48)
        settled = bytes.get(UInt64.self, at: 56)
        count = bytes.get(UInt32.self, at: 64)
        length = bytes.get(UInt32.self, at: 68)
        guard count > 0, first > 0, first <= .max - UInt64(count) else { return nil }
    }
}

/// What stands at the beginning of a segment, in a piece of `alignment` bytes of its own.
struct SegmentHeader: Equatable, Sendable {
    var id: LogID
    var salt: UInt64
    var epoch: UInt64
    /// The number that its first block begins with. What former segments hold from there on does not count.
    var first: UInt64
    /// Grows with each segment that is entered; the order of the segments.
    var ordinal: UInt64
    var byteCount: Int
    /// Blocks begin at multiples of it.
    var alignment: Int
    /// The header CRC of the block before the first one.
    var chain: UInt32

    func write(to bytes: UnsafeMutableRawBufferPointer) {
        bytes.put(Format.segmentMagic, at: 0)
        bytes.put(UInt32(Format.version), at: 4)
        bytes.put(UInt32(alignment), at: 8)
        bytes.put(chain, at: 12)
        bytes.put(salt, at: 16)
        bytes.put(id.high, at: 24)
        bytes.put(id.low, at: 32)
        bytes.put(epoch, at: 40)
        bytes.put(first, at: 48)
        bytes.put(ordinal, at: 56)
        bytes.put(UInt64(byteCount), at: 64)
        bytes.put(UInt32(0), at: 72)
        _ = bytes.seal(Format.headerBytes)
    }
}

extension SegmentHeader {
    init?(_ bytes: UnsafeRawBufferPointer, salt: UInt64) {
        guard bytes.count >= Format.headerBytes, bytes.get(UInt32.self, at: 0) == Format.segmentMagic,
            bytes.get(UInt64.self, at: 16) == salt, bytes.get(UInt32.self, at: 4) == UInt32(Format.version),
            bytes.isSealed(Format.headerBytes)
        else { return nil }
        alignment = Int(bytes.get(UInt32.self, at: 8))
        chain = bytes.get(UInt32.self, at: 12)
        self.salt = salt
        id = LogID(high: bytes.get(UInt64.self, at: 24), low: bytes.get(UInt64.self, at: 32))
        epoch = bytes.get(UInt64.self, at: 40)
        first = bytes.get(UInt64.self, at: 48)
        ordinal = bytes.get(UInt64.self, at: 56)
        byteCount = Int(clamping: bytes.get(UInt64.self, at: 64))
        guard alignment >= 512, alignment <= Format.mostAlignment, alignment & (alignment - 1) == 0, first > 0,
            ordinal > 0, byteCount >= 2 * alignment, byteCount <= 1 << 40
        else { return nil }
    }
}

extension UnsafeMutableRawBufferPointer {
    func put<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
        storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
    }

    /// Writes the CRC-32C of the first bytes but four into the last four of them, and returns it.
    func seal(_ count: Int) -> UInt32 {
        let crc = crc32c(UnsafeRawBufferPointer(rebasing: self[0..<count - 4]))
        put(crc, at: count - 4)
        return crc
    }
}

extension UnsafeRawBufferPointer {
    func get<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
        Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    func isSealed(_ count: Int) -> Bool {
        crc32c(UnsafeRawBufferPointer(rebasing: self[0..<count - 4])) == get(UInt32.self, at: count - 4)
    }
}
