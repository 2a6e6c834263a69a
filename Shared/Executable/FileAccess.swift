import Glibc

/// Whether this user may use a file or directory of a pipeline: what is not there, and what is there for others only, are
/// different troubles.
package enum FileAccess {
    /// Returns where `path` can be read and, if it is a directory, entered. Throws `unavailable` where it is not there,
    /// `noPermission` where this user may not, `io` otherwise.
    package static func check(_ path: String) throws(StageFailure) {
        var status = stat()
        let isThere = stat(path, &status) == 0
        let mode = isThere && status.st_mode & S_IFMT == S_IFDIR ? R_OK | X_OK : R_OK
        if isThere, access(path, mode) == 0 { return }
        throw failure(path, errno)
    }

    /// The failure that an error number of a call on `path` means.
    package static func failure(_ path: String, _ number: Int32) -> StageFailure {
        switch number {
        case ENOENT: StageFailure(.unavailable, "\(path) is not there")
        case EACCES, EPERM: StageFailure(.noPermission, denied(path))
        default: StageFailure(.io, "\(path): \(String(cString: strerror(number)))")
        }
    }

    private static func denied(_ path: String) -> String {
        var status = stat()
        var nearest = path
        while stat(nearest, &status) != 0, nearest.count > 1, let slash = nearest.lastIndex(of: "/") {
            nearest = slash == nearest.startIndex ? "/" : String(nearest[..<slash])
        }
        return "permission denied: user \(geteuid()) may not use \(path); run this as user \(status.st_uid), to whom "
            + "\(nearest) belongs"
    }
}

/// A file piece by piece.
package enum FileChunks {
    /// Gives its next bytes with each call, none at the end or where it cannot be read any further; `-` is standard input.
    package static func open(_ path: String) throws(StageFailure) -> () -> [UInt8] {
        let descriptor = path == "-" ? 0 : Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileAccess.failure(path, errno) }
        return {
            [UInt8](unsafeUninitializedCapacity: 64 << 10) { room, count in
                var taken = 0
                repeat { taken = read(descriptor, room.baseAddress, room.count) } while taken < 0 && errno == EINTR
                count = max(0, taken)
            }
        }
    }
}
