internal import Wire

/// What is wrong with the files of a log.
package struct LogDamage: Equatable, Sendable, CustomStringConvertible {
    /// The file in the log's folder.
    package let file: String
    package let place: Int
    /// Numbers that are lost; empty where only the structure is wrong.
    package let lost: Range<UInt64>
    package let reason: String

    package var description: String {
        let numbers = lost.isEmpty ? "" : "; numbers \(lost.lowerBound) to \(lost.upperBound - 1) are lost"
        return "\(file) at byte \(place): \(reason)\(numbers)"
    }
}

/// Finds the end of the log. Reads and changes nothing.
///
/// Before the mark of the superblock only the headers of segments are looked at. Behind it every block is checked: the
/// first one that is not right is the end, unless a later header shows that the log went on there; then it is damage.
struct Recovery {
    var superblock: Superblock
    /// In order.
    private(set) var segments: [Segment] = []
    /// Files that hold no part of the log.
    private(set) var spares: [String] = []
    private(set) var damage: [LogDamage] = []
    /// Damage that hides how far the log went: no number may be given out.
    private(set) var fatal: LogError?
    /// How many blocks lie behind the mark.
    private(set) var blocksBehindMark = 0
    /// Where the log ends. Its ordinal is that of the last segment.
    private(set) var end: Superblock.Mark
    /// The length of a block at the end that was being written; 0 where its header cannot be read either.
    private(set) var tornBytes = 0
    /// The last block behind the mark, as it lies on the disk: it may be in the page cache only.
    private(set) var lastBlock: [UInt8]?

    /// Whether the log can go on in its last segment: nothing is there that the mark does not know.
    var isClean: Bool {
        blocksBehindMark == 0 && damage.isEmpty && segments.last?.header.ordinal == superblock.mark.ordinal
    }

    private let files: any LogFileSystem
    private let folder: String
    /// Called with each good block.
    private let visit: ((SegmentHeader, SegmentScanner.Block) throws(LogError) -> Void)?

    /// `fromStart` checks everything that is retained, not only what lies behind the mark.
    init(
        _ files: any LogFileSystem, folder: String, names: [String], _ superblock: Superblock,
        fromStart: Bool = false, visit: ((SegmentHeader, SegmentScanner.Block) throws(LogError) -> Void)? = nil
    ) throws(LogError) {
        self.files = files
        self.folder = folder
        self.superblock = superblock
        self.visit = visit
        end = superblock.mark
        let loose = try readHeaders(names)
        let hasMark = checkMark()
        try walk(fromStart: fromStart || !hasMark)
        try look(into: loose)
    }

    /// Sorts the files; returns those without a header of this log.
    private mutating func readHeaders(_ names: [String]) throws(LogError) -> [String] {
        var loose: [String] = []
        for name in names {
            if let header = try SegmentScanner.header(of: open(name), salt: superblock.salt, path: path(name)) {
                segments.append(Segment(name: name, header: header))
            } else {
                loose.append(name)
            }
        }
        segments.sort { $0.header.ordinal < $1.header.ordinal }
        // What ends below the first number was given up.
        while segments.count > 1, segments[1].header.first <= superblock.first,
            segments[0].header.ordinal != superblock.mark.ordinal
        {
            spares.append(segments.removeFirst().name)
        }
        // A last segment without a block that the mark does not know was being entered: it is used for that again.
        if segments.count > 0, let last = segments.last, last.header.ordinal > superblock.mark.ordinal {
            var scanner = SegmentScanner(try open(last.name), last.header, path: path(last.name))
            if try scanner.block(at: last.header.alignment)?.header.first != last.header.first,
                try scanner.search(from: last.header.alignment, above: last.header.first, epoch: last.header.epoch)
                    == nil
            {
                spares.insert(last.name, at: 0)
                segments.removeLast()
            }
        }
        return loose
    }

    /// False where the walk cannot begin at the mark. A mark in a segment that is not there is damage.
    private mutating func checkMark() -> Bool {
        let mark = superblock.mark
        if mark.ordinal == 0 { return false }
        let segment = segments.first { $0.header.ordinal == mark.ordinal }
        if let header = segment?.header, mark.place >= header.alignment, mark.place <= header.byteCount,
            mark.number >= header.first
        {
            return true
        }
        fail("its superblock knows the number \(mark.number) in segment \(mark.ordinal), which is not there")
        return false
    }

    private mutating func walk(fromStart: Bool) throws(LogError) {
        if let first = segments.first, first.header.first > superblock.first {
            report(first.name, 0, superblock.first..<first.header.first, "the segments before it are missing")
        }
        var index = fromStart ? 0 : segments.firstIndex { $0.header.ordinal == superblock.mark.ordinal } ?? 0
        if fromStart, let first = segments.first { end = begin(first) }
        while index < segments.count {
            let limit = index + 1 < segments.count ? segments[index + 1].header : nil
            try walk(index, limit)
            index += 1
            guard let limit else { break }
            if end.number != limit.first || end.chain != limit.chain {
                let lost = end.number < limit.first ? end.number..<limit.first : 0..<0
                report(segments[index].name, 0, lost, "it does not follow the segment before it")
            }
            end = begin(segments[index])
        }
        // What the mark knows was given out, whatever is left of it.
        if end.number < superblock.mark.number {
            report("superblock", 0, end.number..<superblock.mark.number, "the log ends before its mark")
            end.number = superblock.mark.number
        }
    }

    private func begin(_ segment: Segment) -> Superblock.Mark {
        Superblock.Mark(
            ordinal: segment.header.ordinal, place: segment.header.alignment, number: segment.header.first,
            chain: segment.header.chain)
    }

    /// Goes to the end of one segment, which `limit` follows.
    private mutating func walk(_ index: Int, _ limit: SegmentHeader?) throws(LogError) {
        let segment = segments[index]
        var scanner = SegmentScanner(try open(segment.name), segment.header, path: path(segment.name))
        var epoch = segment.header.epoch
        var followsDamage = false
        while limit.map({ end.number < $0.first }) ?? true {
            if let block = try scanner.block(at: end.place), block.header.first == end.number,
                followsDamage || block.header.chain == end.chain, block.header.epoch >= epoch
            {
                epoch = block.header.epoch
                followsDamage = false
                try take(block, segment.header, index)
                continue
            }
            let place = end.place + segment.header.alignment
            guard let next = try scanner.search(from: place, above: end.number, epoch: epoch),
                let header = try scanner.blockHeader(at: next), header.first < limit?.first ?? .max
            else {
                if limit == nil, let torn = try scanner.blockHeader(at: end.place), torn.first == end.number,
                    torn.epoch >= epoch
                {
                    tornBytes = torn.byteCount(alignment: segment.header.alignment)
                }
                break
            }
            report(segment.name, end.place, end.number..<header.first, "the block there is damaged")
            end.place = next
            end.number = header.first
            followsDamage = true
        }
    }

    private mutating func take(
        _ block: SegmentScanner.Block, _ header: SegmentHeader, _ index: Int
    ) throws(LogError) {
        try visit?(header, block)
        segments[index].note(BlockPlace(number: end.number, place: end.place))
        end.place += block.header.byteCount(alignment: header.alignment)
        end.number = block.header.end
        end.chain = block.crc
        superblock.settled = max(superblock.settled, block.header.settled)
        let mark = superblock.mark
        guard header.ordinal > mark.ordinal || header.ordinal == mark.ordinal && end.place > mark.place else { return }
        blocksBehindMark += 1
        lastBlock = Array(
            UnsafeRawBufferPointer(
                start: block.content.baseAddress.map { $0 - Format.headerBytes },
                count: Format.headerBytes + block.content.count))
    }

    /// A file whose header is damaged shows by its first block that it belongs behind the end.
    private mutating func look(into loose: [String]) throws(LogError) {
        for name in loose {
            let file = try open(name)
            let whole = SegmentHeader(
                id: superblock.id, salt: superblock.salt, epoch: 0, first: 1, ordinal: 1, byteCount: 1 << 40,
                alignment: file.alignment, chain: 0)
            var scanner = SegmentScanner(file, whole, path: path(name))
            if var header = try scanner.blockHeader(at: file.alignment) {
                // A copy that the end of a start cut off is none of the log yet; what follows it would be.
                if header.isCopy {
                    let place = file.alignment + header.byteCount(alignment: file.alignment)
                    header = try scanner.blockHeader(at: place) ?? header
                }
                // In a log that is in use it may have been entered meanwhile.
                let isEntered = try SegmentScanner.header(of: file, salt: superblock.salt, path: path(name)) != nil
                if !isEntered, !header.isCopy, header.first >= end.number {
                    fail("it goes on in \(name), whose header is damaged")
                }
            }
            spares.append(name)
        }
    }

    private mutating func fail(_ reason: String) {
        guard fatal == nil else { return }
        fatal = LogError(
            .damaged,
            "the log \(folder) is damaged: \(reason); nothing was changed. Restore the folder from a copy, or move it "
                + "aside to start empty, which gives up what is in it")
    }

    private mutating func report(_ file: String, _ place: Int, _ lost: Range<UInt64>, _ reason: String) {
        damage.append(LogDamage(file: file, place: place, lost: lost, reason: reason))
    }

    private func open(_ name: String) throws(LogError) -> any LogFile {
        do throws(SystemError) {
            return try uninterrupted { () throws(SystemError) in try files.open(path(name), .read) }
        } catch {
            throw error.logError(path(name))
        }
    }

    private func path(_ name: String) -> String { folder + "/" + name }
}
