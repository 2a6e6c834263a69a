internal import Wire

/// What is in the files of a log, found by reading all of it. Locks nothing and changes nothing: the log may be in use.
package struct LogCheck: Sendable {
    package struct Segment: Sendable, Equatable {
        package let file: String
        package let ordinal: UInt64
        package let epoch: UInt64
        package let first: UInt64
        /// Behind its last number.
        package internal(set) var end: UInt64
        package internal(set) var blocks = 0
        package internal(set) var blockBytes = 0
        package let byteCount: Int
    }

    package let id: LogID
    package let epoch: UInt64
    package let first: UInt64
    package let next: UInt64
    package let settled: UInt64
    package let segments: [Segment]
    /// Files that hold no part of the log.
    package let spares: [String]
    /// Everything that is wrong, as sentences.
    package let damage: [String]

    /// A log in use changes while it is read, and half a block looks damaged: only what is found twice counts.
    package init(_ folder: String, files: any LogFileSystem = SystemFiles()) throws(LogError) {
        var found = try LogCheck(once: folder, files)
        for _ in 0..<2 where !found.damage.isEmpty {
            let again = try LogCheck(once: folder, files)
            if again.damage == found.damage { break }
            found = again
        }
        self = found
    }

    /// The names of the segments and the superblock of a log that may be in use.
    static func begin(
        _ folder: String, _ files: any LogFileSystem
    ) throws(LogError) -> (names: [String], superblock: Superblock) {
        let names: [String]
        do throws(SystemError) {
            names = try uninterrupted { () throws(SystemError) in try files.names(in: folder) }
                .filter { $0.hasPrefix(SegmentSpace.prefix) }
        } catch {
            throw error.logError(folder)
        }
        let (_, read) = try SegmentLogOpening.readSuperblock(folder, files, names, mode: .read)
        guard let superblock = read?.newest else {
            throw LogError(.unusable, "\(folder) holds a log that was never begun")
        }
        return (names, superblock)
    }

    init(once folder: String, _ files: any LogFileSystem) throws(LogError) {
        let (names, superblock) = try Self.begin(folder, files)
        var found: [Segment] = []
        let recovery = try Recovery(files, folder: folder, names: names, superblock, fromStart: true) {
            (segment, block) throws(LogError) in
            let block = block.header
            if found.last?.ordinal != segment.ordinal {
                found.append(
                    Segment(
                        file: "", ordinal: segment.ordinal, epoch: segment.epoch, first: segment.first,
                        end: segment.first, byteCount: segment.byteCount))
            }
            found[found.count - 1].end = block.end
            found[found.count - 1].blocks += 1
            found[found.count - 1].blockBytes += block.byteCount(alignment: segment.alignment)
        }
        id = superblock.id
        epoch = superblock.epoch
        first = superblock.first
        next = recovery.end.number
        settled = recovery.superblock.settled
        spares = recovery.spares
        damage = recovery.damage.map(\.description) + (recovery.fatal.map { [$0.sentence] } ?? [])
        segments = recovery.segments.map { segment in
            let header = segment.header
            let blocks = found.first { $0.ordinal == header.ordinal }
            return Segment(
                file: segment.name, ordinal: header.ordinal, epoch: header.epoch, first: header.first,
                end: blocks?.end ?? header.first, blocks: blocks?.blocks ?? 0, blockBytes: blocks?.blockBytes ?? 0,
                byteCount: header.byteCount)
        }
    }
}
