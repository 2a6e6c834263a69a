internal import Glibc
internal import Wire

/// A copy of a log in a folder of its own, made record by record and checked: the log may be in use meanwhile.
package enum LogCopy {
    private static let mostTries = 5
    private static let files = SystemFiles()

    /// Copies what `source` holds now into `target`, which must not be there. Throws `damaged` where something of it is
    /// lost, and then leaves nothing. Returns what the copy holds.
    @discardableResult package static func make(of source: String, in target: String) throws(LogError) -> LogCheck {
        // Segments that were given up between two steps look damaged.
        for _ in 1..<mostTries {
            do throws(LogError) {
                return try tryOnce(source, target)
            } catch {
                guard error.code == .damaged else { throw error }
            }
        }
        return try tryOnce(source, target)
    }

    private static func tryOnce(_ source: String, _ target: String) throws(LogError) -> LogCheck {
        let pins = source + ".pins"
        erase(pins)
        defer { erase(pins) }
        do throws(LogError) {
            let superblock = try LogCheck.begin(source, files).superblock
            try copy(source, try pin(source, pins), pins, superblock, target)
            let made = try LogCheck(target)
            for name in made.spares { unlink("\(target)/\(name)") }
            return made
        } catch {
            erase(target)
            throw error
        }
    }

    /// Gives the segments another name: what has one is not used again while it is read. Returns their names.
    private static func pin(_ source: String, _ pins: String) throws(LogError) -> [String] {
        do throws(SystemError) {
            try files.makeFolder(pins)
            return try files.names(in: source).filter { name in
                name.hasPrefix(SegmentSpace.prefix) && link("\(source)/\(name)", "\(pins)/\(name)") == 0
            }
        } catch {
            throw error.logError(pins)
        }
    }

    private static func copy(
        _ source: String, _ names: [String], _ pins: String, _ superblock: Superblock, _ target: String
    ) throws(LogError) {
        var log: SegmentLog?
        func begun(at first: UInt64, _ segmentBytes: Int) throws(LogError) -> SegmentLog {
            if let log { return log }
            var options = SegmentLog.Options(
                segmentBytes: segmentBytes, mostSegments: .max, recordBytes: segmentBytes - 3 * Format.mostAlignment)
            options.zeroFills = false
            (options.newID, options.newFirst) = (superblock.id, first)
            let begun = try SegmentLog(target, options)
            log = begun
            return begun
        }
        let recovery = try Recovery(files, folder: pins, names: names, superblock, fromStart: true) {
            (segment, block) throws(LogError) in
            guard block.header.end > superblock.first else { return }
            let record = LogRecord(
                first: block.header.first, count: Int(block.header.count), settled: block.header.settled,
                parts: [block.content])
            let copy = try begun(at: record.first, segment.byteCount)
            guard record.first == copy.next else {
                throw LogError(.damaged, "the log \(source) does not have \(copy.next). Nothing was copied")
            }
            _ = try copy.append(record).get()
        }
        if let fatal = recovery.fatal { throw fatal }
        if let damage = recovery.damage.first {
            throw LogError(.damaged, "the log \(source) is damaged: \(damage). Nothing was copied")
        }
        let copy = try begun(at: recovery.end.number, 16 * Format.mostAlignment)
        try copy.trim(below: superblock.first)
        try copy.close()
    }

    /// Deletes the folder of a copy, or of what was left of one.
    private static func erase(_ folder: String) {
        for name in (try? files.names(in: folder)) ?? [] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }
}
