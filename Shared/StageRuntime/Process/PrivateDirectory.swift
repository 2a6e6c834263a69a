import Glibc

/// Directories that only this user may enter.
package enum PrivateDirectory {
    /// Creates the directory, and those above it, with mode 0700. One that is there must belong to this user and be
    /// closed to everybody else, because whoever can write there can pose as a stage.
    package static func create(_ path: String) throws(StageFailure) {
        var partial = ""
        for part in path.split(separator: "/") {
            partial += "/\(part)"
            if mkdir(partial, 0o700) != 0, errno != EEXIST, errno != EISDIR, errno != EROFS, errno != EACCES {
                throw failure(partial, "cannot be created")
            }
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw failure(path, "cannot be used") }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw StageFailure(.io, "\(path) is not a directory; remove it or name another in the configuration")
        }
        guard status.st_uid == geteuid() else {
            throw StageFailure(
                .io, "\(path) belongs to user \(status.st_uid), not to user \(geteuid()) who runs this stage")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw StageFailure(.io, "\(path) is open to other users; close it with: chmod 700 \(path)")
        }
    }

    private static func failure(_ path: String, _ what: String) -> StageFailure {
        StageFailure(.io, "\(path) \(what): \(String(cString: strerror(errno)))")
    }
}
