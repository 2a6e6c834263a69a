internal import Glibc
internal import Wire

/// A copy of a log in a folder of its own, made record by record and checked: the log may be in use meanwhile.
package enum LogCopy {
    private static let mostTries = 5

    /// Copies what `source` holds now into `target`, which must not be there. Throws `damaged` where something of it is
    /// lost, and then leaves nothing. Returns what the copy holds.
    @discardableResult package static func make(
        of source: String, in target: String, files: any LogFileSystem = SystemFiles()
    ) throws(LogError) -> LogCheck {
        // Segments that are given up and used again meanwhile look damaged.
        for _ in 1..<mostTries {
            do throws(LogError) {
                return try tryOnce(source, target, files)
            } catch {
                guard error.code == .damaged || error.code == .failed else { throw error }
            }
        }
        return try tryOnce(source, target, files)
    }

    private static func tryOnce(
        _ source: String, _ target: String, _ files: any LogFileSystem
    ) throws(LogError) -> LogCheck {
        do throws(LogError) {
            try copy(source, target, files)
            let made = try LogCheck(target, files: files)
            try erase(target, made.spares, files)
            return made
        } catch {
            try? erase(target, [], files)
            throw error
        }
    }

    private static func copy(_ source: String, _ target: String, _ files: any LogFileSystem) throws(LogError) {
        let (names, superblock) = try LogCheck.begin(source, files)
        var log: SegmentLog?
        func begun(at first: UInt64, _ segmentBytes: Int) throws(LogError) -> SegmentLog {
            if let log { return log }
            var options = SegmentLog.Options(
                segmentBytes: segmentBytes, mostSegments: .max, recordBytes: segmentBytes - 3 * Format.mostAlignment)
            options.zeroFills = false
            (options.newID, options.newFirst) = (superblock.id, first)
            let begun = try SegmentLog(target, options, files: files)
            log = begun
            return begun
        }
        let recovery = try Recovery(files, folder: source, names: names, superblock, fromStart: true) {
            (segment, block) throws(LogError) in
            guard block.header.end > superblock.first else { return }
            let record = LogRecord(
                first: block.header.first, count: Int(block.header.count), settled: block.header.settled,
                parts: [block.content])
            let copy = try begun(at: record.first, segment.byteCount)
            guard record.first == copy.next else {
                throw LogError(.damaged, "the log \(source) does not have \(copy.next). Nothing was copied")
            }
            try copy.append(record).get()
        }
        if let fatal = recovery.fatal { throw fatal }
        if let damage = recovery.damage.first {
            throw LogError(.damaged, "the log \(source) is damaged: \(damage). Nothing was copied")
        }
        let copy = try begun(at: recovery.end.number, 16 * Format.mostAlignment)
        try copy.trim(below: superblock.first)
        try copy.close()
    }

    /// Deletes some files of a log, or it as a whole.
    private static func erase(_ folder: String, _ names: [String], _ files: any LogFileSystem) throws(LogError) {
        do throws(SystemError) {
            for name in names.isEmpty ? try files.names(in: folder) : names { try files.unlink(folder + "/" + name) }
            try files.syncFolder(folder)
        } catch {
            throw error.logError(folder)
        }
    }
}
