internal import Glibc
internal import Wire

/// A log in files of one folder, alone on it as long as it lives.
///
/// A record is one aligned block in a segment whose space was taken before, and a commit is one write of it. Everything
/// else (the header of a segment, the superblock) is written when segments change and when the owner is idle. Used by one
/// thread; `makeReader` gives readers for others. The bytes are in `FORMAT.md`.
package final class SegmentLog: CommitLog {
    package var id: LogID { superblock.pending.id }
    package private(set) var next: UInt64
    package var first: UInt64 { superblock.pending.first }
    package var settled: UInt64 { superblock.pending.settled }
    /// What a start found damaged and went on without.
    package let damage: [LogDamage]
    /// The length of a record that was being stored when the last process ended: it was not acknowledged and is not there.
    package let tornBytes: Int
    /// Identities that the log had before, oldest first, each for the numbers below `end`.
    package var formerIDs: [(id: LogID, end: UInt64)] { superblock.pending.lineage.map { ($0.id, $0.end) } }

    let table = SegmentTable()
    private let folder: String
    private let files: any LogFileSystem
    private let options: Options
    private var lock: AnyObject?
    private let buffer: AlignedBuffer
    private var superblock: SuperblockFile
    private var space: SegmentSpace
    /// The segment that is appended to; nil until one can be begun.
    private var current: Current?
    private var chain: UInt32
    private var lastOrdinal: UInt64
    /// A block of a former life that may not be on the disk. It is written again before anybody reads it.
    private var doubtful: [UInt8]?
    private var failure: LogError?
    /// What there was none of when space was last wanted.
    private var want: LogError?
    private lazy var reader = makeReader()

    private struct Current {
        let header: SegmentHeader
        let file: any LogFile
        var place: Int
    }

    /// Opens the log or makes an empty one.
    package init(_ folder: String, _ options: Options, files: any LogFileSystem = SystemFiles()) throws(LogError) {
        precondition(options.mostSegments >= 3, "one segment in use, one that follows, and one kept for a start")
        precondition(
            options.segmentBytes >= options.recordBytes + 3 * Format.headerBytes, "a segment holds the largest record")
        let opening = try SegmentLogOpening(folder, options, files)
        let recovery = opening.recovery
        self.folder = folder
        self.files = files
        self.options = options
        lock = opening.lock
        superblock = opening.superblock
        damage = recovery.damage
        tornBytes = recovery.tornBytes
        next = recovery.end.number
        chain = recovery.end.chain
        lastOrdinal = recovery.end.ordinal
        space = SegmentSpace(
            files, folder: folder, options: options, names: opening.names, spares: recovery.spares)
        buffer = AlignedBuffer(alignment: Format.mostAlignment, byteCount: 64 * 1024)
        try resume(recovery)
    }

    /// A reader for another thread.
    package func makeReader() -> SegmentReader { SegmentReader(table, files, folder: folder) }

    package func read(from number: UInt64, maxBytes: Int) throws(LogError) -> [LogEntry] {
        try reader.read(from: number, maxBytes: maxBytes)
    }

    package func submit(_ record: LogRecord, completion: @escaping (SubmitOutcome) -> Void) {
        completion(store(record))
    }

    /// Whether there was no space to begin a segment after a start. What may not be on the disk is not read until `idle` or
    /// `submit` finds some.
    package var isWaitingForSpace: Bool { current == nil }

    /// Why no space for a record is taken already; nil where it is. The time to refuse what would become one.
    package func shortage(for byteCount: Int) -> LogError? {
        if let failure { return failure }
        if let current, fits(byteCount, current) { return nil }
        if hasNext { return nil }
        return space.overBudget(liveSegments: segmentCount) ?? want ?? SystemError("fallocate", ENOSPC).logError(folder)
    }

    /// How many bytes lie on the disk from `number` on, a little more where the place of it is not remembered.
    package func byteCount(from number: UInt64) -> Int {
        number < next ? table.byteCount(from: number, end: current?.place) : 0
    }

    /// Takes the time that is left between records: makes what is known durable, so that the next start reads less, and
    /// prepares the segment that follows. To be called some 100 ms after the last record and then until it returns false.
    package func idle() throws(LogError) -> Bool {
        if let failure { throw failure }
        return try keepingFailure { () throws(LogError) in
            if !superblock.isStored { try writeSuperblock() }
            try release()
            if current == nil { try begin(needsSpare: true) }
            if space.spares.count < 2 { try space.addSpare(liveSegments: segmentCount, path: folder) }
            return try space.fill(Self.idleFillBytes, path: folder)
        } ?? false
    }

    /// An orderly end: the next start has nothing to look through, and another may have the folder.
    package func close() throws(LogError) {
        defer { lock = nil }
        guard failure == nil, !superblock.isStored else { return }
        try keepingFailure { () throws(LogError) in try writeSuperblock() }
    }

    package func trim(below number: UInt64) throws(LogError) {
        if let failure { throw failure }
        guard number > first else { return }
        superblock.pending.first = min(number, next)
        let first = first
        table.withState { $0.first = first }
        try keepingFailure { () throws(LogError) in try release() }
    }

    /// Takes a new identity for all that is stored from now on: for a log that turned out to be an older copy.
    package func takeNewID(_ id: LogID) throws(LogError) {
        if let failure { throw failure }
        superblock.pending.lineage.append(Superblock.FormerID(id: self.id, end: next))
        if superblock.pending.lineage.count > Superblock.mostFormerIDs { superblock.pending.lineage.removeFirst() }
        superblock.pending.id = id
        do throws(LogError) {
            // Either slot may be the one that the next start finds.
            try writeSuperblock()
            try writeSuperblock()
        } catch {
            failure = failure ?? error
            throw error
        }
    }

    private static let idleFillBytes = 1 << 20
    /// A segment that follows is prepared when less than this part of the present one is left.
    private static let aheadShare = 2
}

extension SegmentLog {
    /// Whether a segment can be begun and a spare is left then: one that is there, or what all is given up in.
    private var hasNext: Bool { space.spares.count > 1 || space.spares.count == 1 && first == next }

    private var segmentCount: Int { table.withState(\.segments.count) }

    private func fits(_ byteCount: Int, _ current: Current) -> Bool {
        current.place + (Format.headerBytes + byteCount).roundedUp(to: current.header.alignment)
            <= current.header.byteCount
    }

    /// Goes on where recovery found the end: in the same segment where nothing lies behind the mark, otherwise in a fresh
    /// one, which begins with the last block.
    private func resume(_ recovery: Recovery) throws(LogError) {
        let firstVisible = superblock.pending.first
        doubtful = recovery.lastBlock
        let end = doubtful.map { $0.withUnsafeBytes { $0.get(UInt64.self, at: 48) } } ?? next
        let segments = recovery.segments
        table.withState { $0 = SegmentTable.State(segments: segments, first: firstVisible, end: end) }
        superblock.pending.settled = recovery.superblock.settled
        superblock.pending.epoch += 1
        // Both slots, before anything is written where an older one would look.
        try writeSuperblock()
        try writeSuperblock()
        if recovery.isClean, let last = segments.last {
            let file = try openCurrent(last.name)
            if file.alignment <= last.header.alignment {
                current = Current(header: last.header, file: file, place: recovery.end.place)
            }
        }
        try keepingFailure { () throws(LogError) in
            if current == nil { try begin(needsSpare: false) }
            if space.spares.isEmpty { try space.addSpare(liveSegments: segmentCount, path: folder) }
        }
    }

    private func openCurrent(_ name: String) throws(LogError) -> any LogFile {
        try asLogError(folder) { () throws(SystemError) in
            try uninterrupted { () throws(SystemError) in try files.open(folder + "/" + name, .commit) }
        }
    }

    /// Runs a step. Want of space is no failure, but the step is not done and gives nil; anything else ends the log.
    @discardableResult
    private func keepingFailure<Value>(_ body: () throws(LogError) -> Value) throws(LogError) -> Value? {
        do throws(LogError) {
            return try body()
        } catch {
            note(error)
            if let failure { throw failure }
            return nil
        }
    }

    /// Want of space, or of a descriptor, passes; anything else ends the log.
    private func note(_ error: LogError) {
        if error.code == .full { want = error } else if error.code != .overBudget { failure = error }
    }

    private func store(_ record: LogRecord) -> SubmitOutcome {
        if let failure { return .refused(failure) }
        precondition(record.first == next, "a record begins with the number that is next")
        let length = record.parts.reduce(0) { $0 + $1.count }
        guard length <= options.recordBytes, record.count > 0, record.count <= UInt32.max else {
            return .refused(
                LogError(
                    .tooLarge,
                    "a record of \(length) bytes does not fit into the log \(folder), whose limit is "
                        + "\(options.recordBytes)"))
        }
        do throws(LogError) {
            if let current, fits(length, current) { return write(record, length) }
            try begin(needsSpare: true)
            try release()
            return write(record, length)
        } catch {
            note(error)
            return .refused(error)
        }
    }

    /// Writes the block; there is room for it.
    private func write(_ record: LogRecord, _ length: Int) -> SubmitOutcome {
        guard var current else { preconditionFailure("a record is written into a segment") }
        let header = BlockHeader(
            id: id, salt: superblock.pending.salt, epoch: superblock.pending.epoch, first: record.first,
            count: UInt32(record.count), length: UInt32(length), settled: max(settled, record.settled), chain: chain,
            contentCRC: 0)
        let (block, crc) = seal(header, record.parts, current.header.alignment)
        do throws(SystemError) {
            try current.file.commit(block, at: current.place)
        } catch {
            return refuse(error, current)
        }
        let place = BlockPlace(number: record.first, place: current.place)
        current.place += block.count
        self.current = current
        chain = crc
        next += UInt64(record.count)
        superblock.pending.settled = header.settled
        superblock.pending.mark = mark(current)
        publish(place)
        prepare(block.count)
        return .stored(byteCount: block.count)
    }

    /// A block of which nobody knows how much is there. Where only space is missing its header is blotted out, and it is
    /// certain that it is not; otherwise only the next start can tell.
    private func refuse(_ error: SystemError, _ current: Current) -> SubmitOutcome {
        let reason = error.logError(folder)
        if error.isFull {
            buffer.clear(current.header.alignment)
            let zeros = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<current.header.alignment])
            do throws(SystemError) {
                try current.file.commit(zeros, at: current.place)
                return .refused(reason)
            } catch {
                // The outcome stays unknown.
            }
        }
        let broken = reason.code == .failed ? reason : LogError(.failed, reason.sentence)
        failure = broken
        return .unknown(broken)
    }

    /// Puts a block together in the buffer.
    private func seal(
        _ header: BlockHeader, _ parts: [UnsafeRawBufferPointer], _ alignment: Int
    ) -> (UnsafeRawBufferPointer, crc: UInt32) {
        let count = header.byteCount(alignment: alignment)
        buffer.reserve(count)
        var end = Format.headerBytes
        for part in parts {
            UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[end...]).copyMemory(from: part)
            end += part.count
        }
        buffer.zero(end..<count)
        var header = header
        header.contentCRC = crc32c(UnsafeRawBufferPointer(rebasing: buffer.bytes[Format.headerBytes..<end]))
        return (UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count]), header.write(to: buffer.bytes))
    }

    private func mark(_ current: Current) -> Superblock.Mark {
        Superblock.Mark(ordinal: current.header.ordinal, place: current.place, number: next, chain: chain)
    }

    /// Lets readers see what is on the disk.
    private func publish(_ place: BlockPlace) {
        let end = next
        table.withState { state in
            state.end = end
            state.segments[state.segments.count - 1].note(place)
        }
    }

    /// Keeps the segment that follows ahead of the appends, without ever failing what was just stored.
    private func prepare(_ byteCount: Int) {
        guard let current else { return }
        do throws(LogError) {
            if space.spares.count < 2, current.place > current.header.byteCount / Self.aheadShare {
                try space.addSpare(liveSegments: segmentCount, path: folder)
            }
            _ = try space.fill(2 * byteCount, path: folder)
        } catch {
            note(error)
        }
    }
}

extension SegmentLog {
    /// Enters a segment: its blocks of a former life first, then its header, then the mark; only then is it used. While
    /// appending, a spare has to stay.
    private func begin(needsSpare: Bool) throws(LogError) {
        if needsSpare ? !hasNext : space.spares.isEmpty {
            try space.addSpare(liveSegments: segmentCount, path: folder)
        }
        let (name, file) = try space.openNext(folder)
        // What is left of the present one counts no more as soon as the new header is on its way.
        current = nil
        var header = SegmentHeader(
            id: id, salt: superblock.pending.salt, epoch: superblock.pending.epoch, first: next,
            ordinal: lastOrdinal + 1, byteCount: options.segmentBytes, alignment: file.alignment, chain: chain)
        var place = file.alignment
        var endCRC = chain
        try asLogError(folder) { () throws(SystemError) in
            if let copy = doubtful.flatMap({ $0.withUnsafeBytes { BlockHeader($0, salt: header.salt) } }) {
                (place, endCRC) = try write(copy, file)
                header.first = copy.first
                header.chain = copy.chain
            }
            buffer.clear(file.alignment)
            header.write(to: buffer.bytes)
            try file.commit(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<file.alignment]), at: 0)
        }
        let begun = Current(header: header, file: file, place: place)
        let mark = superblock.pending.mark
        superblock.pending.mark = Superblock.Mark(
            ordinal: header.ordinal, place: place, number: next, chain: endCRC)
        do throws(LogError) {
            try writeSuperblock()
        } catch {
            superblock.pending.mark = mark
            throw error
        }
        space.removeNext()
        lastOrdinal = header.ordinal
        chain = endCRC
        doubtful = nil
        current = begun
        let segment = Segment(name: name, header: header)
        let end = next
        table.withState { state in
            state.segments.append(segment)
            state.end = end
        }
    }

    /// Writes a doubtful block again; returns the place behind it and its CRC.
    private func write(_ copy: BlockHeader, _ file: any LogFile) throws(SystemError) -> (Int, UInt32) {
        var copy = copy
        copy.epoch = superblock.pending.epoch
        copy.isCopy = true
        let content = doubtful ?? []
        let (block, crc) = content.withUnsafeBytes { bytes in
            seal(copy, [UnsafeRawBufferPointer(rebasing: bytes[Format.headerBytes...])], file.alignment)
        }
        try file.commit(block, at: file.alignment)
        return (file.alignment + block.count, crc)
    }

    private func writeSuperblock() throws(LogError) {
        try asLogError(folder) { () throws(SystemError) in try superblock.write() }
    }

    /// Gives up the segments below the first number, once both slots of the superblock say so.
    private func release() throws(LogError) {
        let (first, ordinal) = (first, superblock.pending.mark.ordinal)
        let count = table.withState { state in
            zip(state.segments, state.segments.dropFirst())
                .prefix { $0.header.ordinal < ordinal && $1.header.first <= first }.count
        }
        guard count > 0 else { return }
        try writeSuperblock()
        try writeSuperblock()
        let released = table.withState { state in
            let released = Array(state.segments.prefix(count))
            state.segments.removeFirst(count)
            return released
        }
        for segment in released { try space.release(segment, path: folder) }
    }
}
