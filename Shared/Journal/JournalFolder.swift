import Glibc
import Threads

/// The folder of one journal, created if missing and locked for this process as long as this value lives.
final class JournalFolder {
    let path: String
    private let lock: ProcessLock

    var databasePath: String { path + "/journal.db" }
    var logPath: String { path + "/journal.db-wal" }

    /// Throws `.unusable` where the folder cannot be made or opened, `.locked` where another process has it.
    init(path: String) throws(JournalError) {
        self.path = path
        try Self.makeFolders(path)
        do throws(ProcessLock.Failure) {
            lock = try ProcessLock(folder: path)
        } catch {
            guard case .refused(let code) = error else { throw Self.inUse(path) }
            throw Self.unusable(path, code)
        }
    }

    /// Makes the folder's entries durable.
    func sync() throws(JournalError) {
        guard fsync(lock.descriptor) == 0 else { throw Self.unusable(path, errno) }
    }

    /// What lies at the end of the write-ahead log; nil where there is none.
    func inspectLog() -> WALTail? {
        let log = open(logPath, O_RDONLY | O_CLOEXEC)
        guard log >= 0 else { return nil }
        defer { close(log) }
        var facts = stat()
        guard fstat(log, &facts) == 0, facts.st_size > 0 else { return nil }
        let count = Int(facts.st_size)
        guard let mapped = mmap(nil, count, PROT_READ, MAP_PRIVATE, log, 0), mapped != MAP_FAILED else { return nil }
        defer { munmap(mapped, count) }
        return WALInspector.inspect(UnsafeRawBufferPointer(start: mapped, count: count))
    }

    /// Makes every missing folder on the way, each durable in its parent.
    private static func makeFolders(_ path: String) throws(JournalError) {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            let parent = prefix.isEmpty ? "." : prefix
            prefix += (prefix.isEmpty || prefix == "/" ? "" : "/") + part
            if mkdir(prefix, 0o700) == 0 {
                let folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                guard folder >= 0 else { throw unusable(parent, errno) }
                defer { close(folder) }
                guard fsync(folder) == 0 else { throw unusable(parent, errno) }
            } else if errno != EEXIST {
                throw unusable(prefix, errno)
            }
        }
    }

    private static func inUse(_ path: String) -> JournalError {
        JournalError(
            .locked,
            "the journal folder \(path) is in use by another ingress; give every instance its own name and every "
                + "pipeline its own data_dir, or stop the other one first")
    }

    private static func unusable(_ path: String, _ code: Int32) -> JournalError {
        JournalError(
            .unusable,
            "the journal folder \(path) cannot be used (\(String(cString: strerror(code)))); check data_dir and its "
                + "permissions")
    }
}
