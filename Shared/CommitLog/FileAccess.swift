internal import Glibc

/// The rules by which the engine uses the calls of the system: what is repeated and what never is.
extension LogFile {
    /// Writes whole and durably. A short write is repeated from its beginning; one that stays short means that there is
    /// no space. A failed flush is never repeated: the page cache may have forgotten what it did not write.
    func commit(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) {
        try writeWhole(bytes, at: offset)
        if !isDirect { try flushed() }
    }

    func writeWhole(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) {
        for _ in 0..<4 {
            let count = try uninterrupted { () throws(SystemError) in try write(bytes, at: offset) }
            if count == bytes.count { return }
        }
        throw SystemError("pwrite", ENOSPC)
    }

    func flushed() throws(SystemError) {
        try uninterrupted { () throws(SystemError) in try flush() }
    }

    /// How many bytes there were; fewer than asked for only at the end of the file.
    func readWhole(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[done...])
            let count = try uninterrupted { () throws(SystemError) in try read(into: rest, at: offset + done) }
            // What ends within an aligned piece ends the file; direct reads cannot go on there either.
            done += count
            if count == 0 || count % alignment != 0 { break }
        }
        return done
    }
}

/// Repeats a call that a signal interrupted before it did anything (EINTR).
func uninterrupted<Value>(_ body: () throws(SystemError) -> Value) throws(SystemError) -> Value {
    while true {
        do throws(SystemError) {
            return try body()
        } catch  where error.code == EINTR {
            continue
        }
    }
}

/// Says what a failed call means for the log at `path`.
func asLogError<Value>(_ path: String, _ body: () throws(SystemError) -> Value) throws(LogError) -> Value {
    do throws(SystemError) { return try body() } catch { throw error.logError(path) }
}

/// Memory that direct writes and reads may use. Zero where nothing was written; never shrinks.
final class AlignedBuffer {
    private(set) var bytes: UnsafeMutableRawBufferPointer
    private let alignment: Int

    init(alignment: Int, byteCount: Int) {
        self.alignment = alignment
        bytes = Self.allocate(byteCount, alignment)
    }

    deinit { bytes.deallocate() }

    /// Makes room; the content may be lost.
    func reserve(_ byteCount: Int) {
        guard byteCount > bytes.count else { return }
        bytes.deallocate()
        bytes = Self.allocate(max(byteCount, 2 * bytes.count).roundedUp(to: alignment), alignment)
    }

    func zero(_ range: Range<Int>) {
        guard let start = bytes.baseAddress else { return }
        memset(start + range.lowerBound, 0, range.count)
    }

    /// Zeroes the first bytes.
    func clear(_ byteCount: Int) {
        reserve(byteCount)
        zero(0..<byteCount)
    }

    private static func allocate(_ byteCount: Int, _ alignment: Int) -> UnsafeMutableRawBufferPointer {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: max(alignment, 4096))
        if let start = bytes.baseAddress { memset(start, 0, byteCount) }
        return bytes
    }
}

extension Int {
    /// To a multiple of a power of two.
    func roundedUp(to alignment: Int) -> Int { (self + alignment - 1) & ~(alignment - 1) }
}

extension SystemError {
    /// Whether there is no space, or none that this user may have.
    var isFull: Bool { code == ENOSPC || code == EDQUOT }

    /// What it means for the log, as a sentence.
    package func logError(_ path: String) -> LogError {
        let reason = String(cString: strerror(code))
        if isFull {
            return LogError(
                .full,
                "there is no space for the log \(path) (\(operation): \(reason)); nothing is lost, it goes on when there "
                    + "is space")
        }
        if code == EMFILE || code == ENFILE {
            return LogError(
                .full,
                "there is no descriptor for the log \(path) (\(operation): \(reason)); nothing is lost, it goes on when there "
                    + "is one; raise the limit of open files (ulimit -Hn, LimitNOFILE=)")
        }
        let isWrite = operation == "pwrite" || operation == "fdatasync"
        switch code {
        case EWOULDBLOCK where operation == "flock":
            return LogError(
                .locked,
                "the log \(path) is in use by another process; give every instance its own name and every pipeline "
                    + "its own data_dir, or stop the other one first")
        case _ where !isWrite && [EACCES, EPERM, EROFS, ENOTDIR, ENOENT, EISDIR, ELOOP, ENAMETOOLONG].contains(code):
            return LogError(
                .unusable,
                "the log \(path) cannot be used (\(operation): \(reason)); check data_dir and its permissions")
        default:
            return LogError(
                .failed, "the log \(path) failed (\(operation): \(reason)); check the disk, then start anew")
        }
    }
}
