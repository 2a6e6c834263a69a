internal import Glibc
internal import Wire

/// Reads the blocks of one segment and checks every one of them. Reads ahead; what it read stays until `forget`.
struct SegmentScanner {
    let header: SegmentHeader
    private let file: any LogFile
    private let path: String
    private let buffer: AlignedBuffer
    private var held = 0..<0

    private static let readAheadBytes = 256 * 1024

    /// A block that is whole: its bytes are valid until the next call.
    struct Block {
        let header: BlockHeader
        let crc: UInt32
        let content: UnsafeRawBufferPointer
    }

    init(_ file: any LogFile, _ header: SegmentHeader, path: String) {
        self.file = file
        self.header = header
        self.path = path
        buffer = AlignedBuffer(
            alignment: max(file.alignment, header.alignment),
            byteCount: min(Self.readAheadBytes, header.byteCount).roundedUp(to: file.alignment))
    }

    /// Forgets what was read, because the file may have grown.
    mutating func forget() { held = 0..<0 }

    /// The block at a place; nil where none is or it is damaged.
    mutating func block(at place: Int) throws(LogError) -> Block? {
        guard let header = try blockHeader(at: place) else { return nil }
        let count = header.byteCount(alignment: self.header.alignment)
        guard let bytes = try bytes(at: place, count), header.contentEnd <= bytes.count else { return nil }
        let content = UnsafeRawBufferPointer(rebasing: bytes[Format.headerBytes..<header.contentEnd])
        guard crc32c(content) == header.contentCRC, bytes.isZero(from: header.contentEnd) else { return nil }
        return Block(header: header, crc: BlockHeader.crc(bytes), content: content)
    }

    /// The header at a place; nil where none of this log is.
    mutating func blockHeader(at place: Int) throws(LogError) -> BlockHeader? {
        guard let bytes = try bytes(at: place, header.alignment) else { return nil }
        return BlockHeader(bytes, salt: header.salt)
    }

    /// The first place from `place` on with a header that says a number above `number` and no lower epoch. Contents may
    /// come from anybody, but do not know the salt.
    mutating func search(from place: Int, above number: UInt64, epoch: UInt64) throws(LogError) -> Int? {
        var place = place.roundedUp(to: header.alignment)
        while place < header.byteCount {
            guard let bytes = try bytes(at: place, header.alignment) else { return nil }
            if let found = BlockHeader(bytes, salt: header.salt), found.first > number, found.epoch >= epoch {
                return place
            }
            place += header.alignment
        }
        return nil
    }

    /// nil where the file or the segment ends before.
    private mutating func bytes(at place: Int, _ count: Int) throws(LogError) -> UnsafeRawBufferPointer? {
        guard place >= 0, count <= header.byteCount, place <= header.byteCount - count else { return nil }
        if place < held.lowerBound || place + count > held.upperBound {
            held = 0..<0
            let start = place & ~(file.alignment - 1)
            let end = min(max(place + count, start + buffer.bytes.count), header.byteCount)
            let wanted = (end - start).roundedUp(to: file.alignment)
            buffer.reserve(wanted)
            do throws(SystemError) {
                let target = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<wanted])
                held = try start..<start + file.readWhole(into: target, at: start)
            } catch {
                throw error.logError(path)
            }
            guard place + count <= held.upperBound else { return nil }
        }
        let offset = place - held.lowerBound
        return UnsafeRawBufferPointer(rebasing: buffer.bytes[offset..<offset + count])
    }

    /// The header of the segment that a file holds; nil where it holds none of the log with that salt.
    static func header(of file: any LogFile, salt: UInt64, path: String) throws(LogError) -> SegmentHeader? {
        let buffer = AlignedBuffer(alignment: file.alignment, byteCount: file.alignment)
        do throws(SystemError) {
            guard try file.readWhole(into: buffer.bytes, at: 0) == buffer.bytes.count else { return nil }
        } catch {
            throw error.logError(path)
        }
        return SegmentHeader(UnsafeRawBufferPointer(buffer.bytes), salt: salt)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether nothing but zeros lies from there on.
    fileprivate func isZero(from offset: Int) -> Bool {
        guard offset < count, let start = baseAddress.map({ $0 + offset }) else { return true }
        return self[offset] == 0 && memcmp(start, start + 1, count - offset - 1) == 0
    }
}

extension BlockHeader {
    /// Where the content ends, from the beginning of the block.
    fileprivate var contentEnd: Int { Format.headerBytes + Int(length) }
}
