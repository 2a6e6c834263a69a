import Glibc

/// A file of JSON lines: appended to in whole lines, flushed before they count, put aside by size. Its calls block.
///
/// After an error or a crash, what is behind the last whole line is cut off before the next line is written, so a torn
/// line never stands between whole ones. It was never said to be written, and comes again.
struct JSONLinesFile: Sendable {
    /// The calls of the system that fail when a disk does; -1 and `errno` as they give them.
    struct Calls: Sendable {
        var write: @Sendable (Int32, UnsafeRawBufferPointer) -> Int = { Glibc.write($0, $1.baseAddress, $1.count) }
        var flush: @Sendable (Int32) -> Int32 = { fdatasync($0) }
    }

    /// How every line begins (`CloudEventsJSON`), by which a torn one is known.
    static let lineStart = Array("{\"specversion\":".utf8)

    private let folder: String
    /// From the folder to the file.
    private let names: [String]
    private let calls: Calls
    var rotateAtBytes: Int
    var keep: Int
    private var opened: Opened?

    private struct Opened {
        let folder: Int32
        let file: Int32
        var size: Int
    }

    init(folder: String, names: [String], rotateAtBytes: Int, keep: Int, calls: Calls = Calls()) {
        precondition(!names.isEmpty, "a path has a last name")
        self.folder = folder
        self.names = names
        self.rotateAtBytes = rotateAtBytes
        self.keep = keep
        self.calls = calls
    }

    private var name: String { names[names.count - 1] }

    /// Appends whole lines with their line feeds; they are on disk when this returns.
    mutating func append(_ lines: [UInt8]) throws(FileFailure) {
        var current = try current()
        if current.size > 0, current.size + lines.count > rotateAtBytes {
            try rotate()
            current = try self.current()
        }
        do throws(FileFailure) {
            try write(lines, to: current.file)
            guard calls.flush(current.file) == 0 else { throw FileFailure(.flushFailed, "not flushed", code: errno) }
        } catch {
            // Where this fails too, opening it again mends it.
            _ = ftruncate(current.file, off_t(current.size))
            close()
            throw error
        }
        opened?.size += lines.count
    }

    /// Gives the file free.
    mutating func close() {
        guard let opened else { return }
        _ = Glibc.close(opened.file)
        _ = Glibc.close(opened.folder)
        self.opened = nil
    }

    private func write(_ lines: [UInt8], to file: Int32) throws(FileFailure) {
        var written = 0
        while written < lines.count {
            let count = lines.withUnsafeBytes { calls.write(file, UnsafeRawBufferPointer(rebasing: $0[written...])) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileFailure(.writeFailed, "not written", code: count < 0 ? errno : EIO) }
            written += count
        }
    }

    // MARK: Opening

    /// The file that has the name now: somebody may have moved or removed the one that was opened.
    private mutating func current() throws(FileFailure) -> Opened {
        if var opened {
            var (named, own) = (stat(), stat())
            if fstatat(opened.folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0, fstat(opened.file, &own) == 0,
                named.st_ino == own.st_ino, named.st_dev == own.st_dev
            {
                opened.size = Int(own.st_size)
                self.opened = opened
                return opened
            }
            close()
        }
        let folder = try openFolder()
        do throws(FileFailure) {
            let file = try openFile(in: folder)
            do throws(FileFailure) {
                let made = Opened(folder: folder, file: file, size: try mend(file))
                opened = made
                return made
            } catch {
                _ = Glibc.close(file)
                throw error
            }
        } catch {
            _ = Glibc.close(folder)
            throw error
        }
    }

    /// The folder of the file. None of the names below the allowed folder may be a symbolic link.
    private func openFolder() throws(FileFailure) -> Int32 {
        var descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(.openFailed, folder, code: errno) }
        for name in names.dropLast() {
            let next = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            let code = errno
            _ = Glibc.close(descriptor)
            guard next >= 0 else { throw Self.failure(name, code) }
            descriptor = next
        }
        return descriptor
    }

    private func openFile(in folder: Int32) throws(FileFailure) -> Int32 {
        // Opening a pipe must not wait.
        let flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        var file = openat(folder, name, flags)
        if file < 0, errno == ENOENT {
            file = openat(folder, name, flags | O_CREAT | O_EXCL, 0o640)
            // Whatever the umask is.
            if file >= 0, fchmod(file, 0o640) != 0 || fsync(folder) != 0 {
                let code = errno
                _ = Glibc.close(file)
                throw FileFailure(.openFailed, name, code: code)
            }
        }
        guard file >= 0 else { throw Self.failure(name, errno) }
        var status = stat()
        let isOurs = fstat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_nlink == 1
        guard isOurs else {
            _ = Glibc.close(file)
            throw FileFailure(.addressRefused, "\(name) is no regular file of one name")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            _ = Glibc.close(file)
            throw FileFailure(.fileInUse, "\(name) is being written by another subscription or process")
        }
        return file
    }

    /// With `O_DIRECTORY` too, a symbolic link is no directory.
    private static func failure(_ name: String, _ code: Int32) -> FileFailure {
        code == ELOOP || code == ENOTDIR
            ? FileFailure(.addressRefused, "\(name) is a symbolic link or no folder")
            : FileFailure(.openFailed, name, code: code)
    }

    /// Cuts off a torn last line. Returns the size.
    private func mend(_ file: Int32) throws(FileFailure) -> Int {
        var status = stat()
        guard fstat(file, &status) == 0 else { throw FileFailure(.openFailed, name, code: errno) }
        let size = Int(status.st_size)
        var whole = size
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        while whole > 0 {
            let start = max(0, whole - bytes.count)
            let count = pread(file, &bytes, whole - start, off_t(start))
            guard count == whole - start else { throw FileFailure(.openFailed, name, code: count < 0 ? errno : EIO) }
            if let end = bytes[..<count].lastIndex(of: UInt8(ascii: "\n")) {
                whole = start + end + 1
                break
            }
            whole = start
        }
        guard whole < size else { return size }
        let count = pread(file, &bytes, min(size - whole, Self.lineStart.count), off_t(whole))
        let start = bytes[..<max(0, count)]
        // A file system may leave zeros where it had taken space and the data did not come.
        guard Self.lineStart.starts(with: start) || start.allSatisfy({ $0 == 0 }) else {
            throw FileFailure(.openFailed, "\(name) ends in a line that is no event; move it away")
        }
        guard ftruncate(file, off_t(whole)) == 0, calls.flush(file) == 0 else {
            throw FileFailure(.openFailed, "\(name) cannot be mended", code: errno)
        }
        return whole
    }

    // MARK: Putting aside

    /// Puts the file aside as `.1`, what was `.1` as `.2`, and so on; what is beyond `keep` goes.
    private mutating func rotate() throws(FileFailure) {
        guard let opened else { return }
        for number in (1...keep).reversed() {
            let former = number == 1 ? name : "\(name).\(number - 1)"
            if renameat(opened.folder, former, opened.folder, "\(name).\(number)") != 0, errno != ENOENT {
                throw FileFailure(.openFailed, "\(former) cannot be put aside", code: errno)
            }
        }
        var superfluous = keep + 1
        while unlinkat(opened.folder, "\(name).\(superfluous)", 0) == 0 { superfluous += 1 }
        guard fsync(opened.folder) == 0 else {
            throw FileFailure(.flushFailed, "its folder is not flushed", code: errno)
        }
        close()
    }
}
