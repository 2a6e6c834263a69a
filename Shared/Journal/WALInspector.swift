/// What the end of a write-ahead log holds.
package struct WALTail: Equatable, Sendable {
    /// Bytes up to the end of the last whole commit, the log's header included.
    package var committedBytes: Int
    /// Bytes behind it that belong to a commit which was never finished. SQLite drops them when it opens the file.
    package var tornBytes: Int
    /// More than one commit lies behind the first bad byte, so this is not the trace of a crash but damage.
    package var isDamaged: Bool
}

/// Reads a SQLite write-ahead log without SQLite, to be able to say what recovery will drop.
///
/// Layout: https://www.sqlite.org/fileformat2.html, section 4. A header of 32 bytes (magic, version, page size,
/// checkpoint number, two salts, two checksums), then frames of a 24-byte header (page number, database size after a
/// commit or 0, the salts, two cumulative checksums) and one page. Frames with other salts are left over from before
/// the log was last started anew and mean nothing.
package enum WALInspector {
    private static let headerBytes = 32
    private static let frameHeaderBytes = 24
    private static let magic: UInt32 = 0x377F_0682

    /// Where the last whole commit ends and what lies behind it.
    package static func inspect(_ log: UnsafeRawBufferPointer) -> WALTail {
        guard log.count >= headerBytes else {
            return WALTail(committedBytes: 0, tornBytes: log.count, isDamaged: false)
        }
        let word = word(log, 0)
        var sum = Checksum(isBigEndian: word & 1 == 1)
        sum.add(UnsafeRawBufferPointer(rebasing: log[0..<24]))
        guard word & ~1 == magic, sum.matches(log, at: 24) else {
            return WALTail(committedBytes: 0, tornBytes: log.count, isDamaged: log.count > headerBytes)
        }
        let frameBytes = frameHeaderBytes + pageBytes(log)
        let committed = endOfLastCommit(log, frameBytes: frameBytes, sum: sum)
        var offset = committed
        var commits = 0
        var isDamaged = false
        while log.count - offset >= frameHeaderBytes, hasSalts(log, at: offset) {
            isDamaged = isDamaged || commits > 0
            if Self.word(log, offset + 4) != 0 { commits += 1 }
            offset = min(offset + frameBytes, log.count)
        }
        if log.count - offset < frameHeaderBytes { offset = log.count }
        return WALTail(committedBytes: committed, tornBytes: offset - committed, isDamaged: isDamaged)
    }

    /// Walks the frames while they are whole and their checksums right.
    private static func endOfLastCommit(_ log: UnsafeRawBufferPointer, frameBytes: Int, sum: Checksum) -> Int {
        var sum = sum
        var committed = headerBytes
        var offset = headerBytes
        while log.count - offset >= frameBytes, hasSalts(log, at: offset) {
            sum.add(UnsafeRawBufferPointer(rebasing: log[offset..<offset + 8]))
            sum.add(UnsafeRawBufferPointer(rebasing: log[(offset + frameHeaderBytes)..<offset + frameBytes]))
            guard sum.matches(log, at: offset + 16) else { break }
            let isCommit = word(log, offset + 4) != 0
            offset += frameBytes
            if isCommit { committed = offset }
        }
        return committed
    }

    private static func pageBytes(_ log: UnsafeRawBufferPointer) -> Int {
        let size = Int(word(log, 8))
        return size == 1 ? 65536 : max(512, size)
    }

    private static func hasSalts(_ log: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        word(log, offset + 8) == word(log, 16) && word(log, offset + 12) == word(log, 20)
    }

    private static func word(_ log: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
        UInt32(bigEndian: log.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}

/// The log's own checksum: two sums that feed each other, over words whose order the magic tells.
private struct Checksum {
    let isBigEndian: Bool
    var first: UInt32 = 0
    var second: UInt32 = 0

    init(isBigEndian: Bool) {
        self.isBigEndian = isBigEndian
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        for offset in stride(from: 0, to: bytes.count - 7, by: 8) {
            first = first &+ word(bytes, offset) &+ second
            second = second &+ word(bytes, offset + 4) &+ first
        }
    }

    func matches(_ log: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        first == UInt32(bigEndian: log.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            && second == UInt32(bigEndian: log.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self))
    }

    private func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
        let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        return isBigEndian ? UInt32(bigEndian: word) : UInt32(littleEndian: word)
    }
}
