internal import Glibc
internal import Wire

/// What a start needs to know beside the segments. Kept in two slots that are written in turn.
struct Superblock: Equatable {
    /// A place in the log before which everything is on the disk.
    struct Mark: Equatable {
        /// 0 before the first segment is entered.
        var ordinal: UInt64 = 0
        var place = 0
        /// What the next block begins with.
        var number: UInt64 = 1
        /// The header CRC of the block that ends there.
        var chain: UInt32 = 0
    }

    /// An identity that the log had before, for the numbers below `end`.
    struct FormerID: Equatable {
        var id: LogID
        var end: UInt64
    }

    static let slotBytes = 4096
    static let slotDistance = Format.mostAlignment
    static let fileBytes = 2 * slotDistance
    /// As many as fit; the oldest go first.
    static let mostFormerIDs = (slotBytes - 4 - lineageOffset) / 24
    private static let lineageOffset = 96

    var id: LogID
    var salt: UInt64
    /// Counts the starts.
    var epoch: UInt64 = 0
    var first: UInt64 = 1
    var settled: UInt64 = 0
    /// Counts the writes; the higher one of the two slots is the newer.
    var writes: UInt64 = 0
    var mark = Mark()
    var lineage: [FormerID] = []

    init(id: LogID, salt: UInt64, first: UInt64 = 1) {
        self.id = id
        self.salt = salt
        self.first = first
        mark.number = first
    }

    /// `bytes` is one zeroed slot.
    func write(to bytes: UnsafeMutableRawBufferPointer) {
        bytes.put(Format.superblockMagic, at: 0)
        bytes.put(Format.version, at: 4)
        bytes.put(UInt16(lineage.count), at: 6)
        bytes.put(mark.chain, at: 12)
        bytes.put(salt, at: 16)
        bytes.put(id.high, at: 24)
        bytes.put(id.low, at: 32)
        bytes.put(epoch, at: 40)
        bytes.put(first, at: 48)
        bytes.put(settled, at: 56)
        bytes.put(writes, at: 64)
        bytes.put(mark.ordinal, at: 72)
        bytes.put(UInt64(mark.place), at: 80)
        bytes.put(mark.number, at: 88)
        for (index, former) in lineage.enumerated() {
            let offset = Self.lineageOffset + 24 * index
            bytes.put(former.id.high, at: offset)
            bytes.put(former.id.low, at: offset + 8)
            bytes.put(former.end, at: offset + 16)
        }
        _ = bytes.seal(Self.slotBytes)
    }

    /// nil where the slot holds none of this version.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.slotBytes, bytes.get(UInt32.self, at: 0) == Format.superblockMagic,
            bytes.get(UInt16.self, at: 4) == Format.version, bytes.isSealed(Self.slotBytes)
        else { return nil }
        mark = Mark(
            ordinal: bytes.get(UInt64.self, at: 72), place: Int(clamping: bytes.get(UInt64.self, at: 80)),
            number: bytes.get(UInt64.self, at: 88), chain: bytes.get(UInt32.self, at: 12))
        salt = bytes.get(UInt64.self, at: 16)
        id = LogID(high: bytes.get(UInt64.self, at: 24), low: bytes.get(UInt64.self, at: 32))
        epoch = bytes.get(UInt64.self, at: 40)
        first = bytes.get(UInt64.self, at: 48)
        settled = bytes.get(UInt64.self, at: 56)
        writes = bytes.get(UInt64.self, at: 64)
        let count = Int(bytes.get(UInt16.self, at: 6))
        guard first > 0, mark.number > 0, count <= Self.mostFormerIDs, epoch < .max, writes < .max else { return nil }
        lineage = (0..<count).map { index in
            let offset = Self.lineageOffset + 24 * index
            return FormerID(
                id: LogID(
                    high: bytes.get(UInt64.self, at: offset), low: bytes.get(UInt64.self, at: offset + 8)),
                end: bytes.get(UInt64.self, at: offset + 16))
        }
    }

    /// The version of a slot that a newer program wrote; nil where it is none.
    static func newerVersion(_ bytes: UnsafeRawBufferPointer) -> UInt16? {
        guard bytes.count >= slotBytes, bytes.get(UInt32.self, at: 0) == Format.superblockMagic,
            bytes.isSealed(slotBytes)
        else { return nil }
        let version = bytes.get(UInt16.self, at: 4)
        return version > Format.version ? version : nil
    }
}

/// The file of the two slots. Either of them alone is enough to start from: what would make one useless (segments that are
/// given up, another identity) is done only when both know of it.
struct SuperblockFile {
    static let name = "superblock"

    /// What is in the newer slot.
    private(set) var stored: Superblock
    /// What the next write says.
    var pending: Superblock
    /// Where the next write goes. After a start it is the slot that was read: it may be in the page cache only, and then
    /// the other one is what is on the disk.
    private var slot: Int
    private let file: any LogFile
    private let buffer: AlignedBuffer

    /// Reads both slots; nil where neither holds anything.
    static func read(_ file: any LogFile, _ path: String) throws(LogError) -> (newest: Superblock, slot: Int)? {
        let buffer = AlignedBuffer(alignment: file.alignment, byteCount: slotBytes(file))
        var found: (newest: Superblock, slot: Int)?
        for slot in 0..<2 {
            do throws(SystemError) {
                let count = try file.readWhole(into: buffer.bytes, at: slot * Superblock.slotDistance)
                guard count == buffer.bytes.count else { continue }
            } catch {
                throw error.logError(path)
            }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<Superblock.slotBytes])
            if let version = Superblock.newerVersion(bytes) {
                throw LogError(
                    .version,
                    "the log \(path) was written in format \(version), this version reads \(Format.version); start the "
                        + "version that wrote it")
            }
            guard let superblock = Superblock(bytes) else { continue }
            if found.map({ $0.newest.writes < superblock.writes }) ?? true { found = (superblock, slot) }
        }
        return found
    }

    init(_ file: any LogFile, stored: Superblock, slot: Int) {
        self.file = file
        self.stored = stored
        self.slot = slot
        pending = stored
        buffer = AlignedBuffer(alignment: file.alignment, byteCount: Self.slotBytes(file))
    }

    private static func slotBytes(_ file: any LogFile) -> Int { Superblock.slotBytes.roundedUp(to: file.alignment) }

    var isStored: Bool {
        var compared = pending
        compared.writes = stored.writes
        return compared == stored
    }

    /// Writes `pending` durably. After a failure the next write goes to the same slot again.
    mutating func write() throws(SystemError) {
        pending.writes = stored.writes + 1
        buffer.clear(buffer.bytes.count)
        pending.write(to: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<Superblock.slotBytes]))
        try file.commit(UnsafeRawBufferPointer(buffer.bytes), at: slot * Superblock.slotDistance)
        stored = pending
        slot = 1 - slot
    }
}
