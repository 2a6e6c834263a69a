internal import Glibc
internal import Wire

/// The first steps of opening a log: the lock, the superblock, and where the log ends. Changes nothing in a log that is
/// there.
struct SegmentLogOpening {
    let lock: AnyObject
    /// The segments' files.
    let names: [String]
    let superblock: SuperblockFile
    let recovery: Recovery

    init(_ folder: String, _ options: SegmentLog.Options, _ files: any LogFileSystem) throws(LogError) {
        do throws(SystemError) {
            try uninterrupted { () throws(SystemError) in try files.makeFolder(folder) }
            lock = try uninterrupted { () throws(SystemError) in try files.lock(folder) }
            let all = try uninterrupted { () throws(SystemError) in try files.names(in: folder) }
            names = all.filter { $0.hasPrefix(SegmentSpace.prefix) }
            if !all.contains(SuperblockFile.name), names.isEmpty { try Self.makeSuperblock(folder, files) }
        } catch {
            throw error.logError(folder)
        }
        let (file, found) = try Self.readSuperblock(folder, files, names, mode: .commit)
        superblock = SuperblockFile(
            file,
            stored: found?.newest
                ?? Superblock(id: options.newID, salt: options.newSalt, first: options.newFirst),
            slot: found?.slot ?? 0)
        recovery = try Recovery(files, folder: folder, names: names, superblock.stored)
        if let fatal = recovery.fatal { throw fatal }
        guard recovery.damage.isEmpty || options.toleratesDamage else {
            throw LogError(
                .damaged,
                "the log \(folder) is damaged: \(recovery.damage.map(\.description).joined(separator: "; ")). Nothing "
                    + "was changed. Restore the folder from a copy")
        }
    }

    /// nil beside the file where it holds nothing, which is right for a log that was never begun alone.
    static func readSuperblock(
        _ folder: String, _ files: any LogFileSystem, _ names: [String], mode: LogFileMode
    ) throws(LogError) -> (any LogFile, (newest: Superblock, slot: Int)?) {
        let path = folder + "/" + SuperblockFile.name
        let file: any LogFile
        do throws(SystemError) {
            file = try uninterrupted { () throws(SystemError) in try files.open(path, mode) }
        } catch {
            guard error.code == ENOENT, !names.isEmpty else { throw error.logError(folder) }
            throw lost(folder, "it has segments and no superblock")
        }
        let found = try SuperblockFile.read(file, folder)
        guard found != nil || names.isEmpty else { throw lost(folder, "neither slot of its superblock can be read") }
        return (file, found)
    }

    private static func makeSuperblock(_ folder: String, _ files: any LogFileSystem) throws(SystemError) {
        let path = folder + "/" + SuperblockFile.name
        let file = try uninterrupted { () throws(SystemError) in try files.open(path, .create) }
        do throws(SystemError) {
            try uninterrupted { () throws(SystemError) in try file.allocate(byteCount: Superblock.fileBytes) }
            try file.flushed()
            try uninterrupted { () throws(SystemError) in try files.syncFolder(folder) }
        } catch {
            try? files.unlink(path)
            throw error
        }
    }

    private static func lost(_ folder: String, _ reason: String) -> LogError {
        LogError(
            .damaged,
            "the log \(folder) is damaged: \(reason). Nothing was changed. Restore the folder from a copy, or move it "
                + "aside to start empty, which gives up what is in it")
    }
}
