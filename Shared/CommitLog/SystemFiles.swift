internal import CDirectIO
internal import Glibc
internal import Threads

/// The file system of the host. Files are opened with O_DIRECT, and to commit with O_DSYNC; where that is refused (tmpfs
/// on older kernels, some overlays) through the page cache, and every commit is followed by fdatasync(2).
package final class SystemFiles: LogFileSystem {
    private let wantsDirect: Bool

    /// `wantsDirect: false` uses the page cache everywhere.
    package init(wantsDirect: Bool = true) {
        self.wantsDirect = wantsDirect
    }

    package func makeFolder(_ path: String) throws(SystemError) {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            let parent = prefix.isEmpty ? "." : prefix
            prefix += (prefix.isEmpty || prefix == "/" ? "" : "/") + part
            if mkdir(prefix, 0o700) == 0 {
                try syncFolder(parent)
            } else if errno != EEXIST {
                throw SystemError("mkdir", errno)
            }
        }
    }

    package func lock(_ path: String) throws(SystemError) -> AnyObject {
        do throws(ProcessLock.Failure) {
            return try ProcessLock(folder: path)
        } catch {
            guard case .refused(let code) = error else { throw SystemError("flock", EWOULDBLOCK) }
            throw SystemError("flock", code)
        }
    }

    package func names(in path: String) throws(SystemError) -> [String] {
        guard let folder = opendir(path) else { throw SystemError("opendir", errno) }
        defer { closedir(folder) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(folder) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        guard errno == 0 else { throw SystemError("readdir", errno) }
        return names.filter { $0 != "." && $0 != ".." }
    }

    package func open(_ path: String, _ mode: LogFileMode) throws(SystemError) -> any LogFile {
        var flags = (mode == .read ? O_RDONLY : O_RDWR) | O_CLOEXEC
        if mode == .create { flags |= O_CREAT | O_EXCL }
        if wantsDirect {
            let descriptor = tributary_open_direct(path, flags, mode == .commit ? 1 : 0)
            if descriptor >= 0 { return SystemFile(descriptor, isDirect: true) }
            guard errno == EINVAL || errno == EOPNOTSUPP else { throw SystemError("open", errno) }
            // A file that was made before its file system refused the flag is there all the same.
            flags &= ~O_EXCL
        }
        let descriptor = Glibc.open(path, flags, 0o600)
        guard descriptor >= 0 else { throw SystemError("open", errno) }
        return SystemFile(descriptor, isDirect: false)
    }

    package func unlink(_ path: String) throws(SystemError) {
        guard Glibc.unlink(path) == 0 else { throw SystemError("unlink", errno) }
    }

    package func syncFolder(_ path: String) throws(SystemError) {
        let folder = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw SystemError("open", errno) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw SystemError("fsync", errno) }
    }
}

private final class SystemFile: LogFile {
    private let descriptor: Int32
    let isDirect: Bool
    let alignment: Int

    init(_ descriptor: Int32, isDirect: Bool) {
        self.descriptor = descriptor
        self.isDirect = isDirect
        alignment = max(4096, Int(tributary_direct_alignment(descriptor)))
    }

    deinit { close(descriptor) }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        let count = pwrite(descriptor, bytes.baseAddress, bytes.count, offset)
        guard count >= 0 else { throw SystemError("pwrite", errno) }
        return count
    }

    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        let count = pread(descriptor, bytes.baseAddress, bytes.count, offset)
        guard count >= 0 else { throw SystemError("pread", errno) }
        return count
    }

    func allocate(byteCount: Int) throws(SystemError) {
        guard tributary_allocate(descriptor, Int64(byteCount)) == 0 else { throw SystemError("fallocate", errno) }
    }

    func flush() throws(SystemError) {
        guard fdatasync(descriptor) == 0 else { throw SystemError("fdatasync", errno) }
    }

    func byteCount() throws(SystemError) -> Int { Int(try facts().st_size) }

    func linkCount() throws(SystemError) -> Int { Int(try facts().st_nlink) }

    private func facts() throws(SystemError) -> stat {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw SystemError("fstat", errno) }
        return facts
    }
}
