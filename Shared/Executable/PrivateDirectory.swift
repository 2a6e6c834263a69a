import Glibc

/// Directories that only this user may enter; or, where root shares one with a group, the members of that.
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
        try validate(path)
    }

    /// Whether stages could use it or, where it is not there yet, create it; nothing is changed. With `isOwn` it is one
    /// that only this user may enter. Throws `io` with what is wrong.
    package static func check(_ path: String, isOwn: Bool) throws(StageFailure) {
        var status = stat()
        var nearest = path
        while stat(nearest, &status) != 0 {
            guard errno == ENOENT || errno == ENOTDIR, let slash = nearest.lastIndex(of: "/"), nearest != "/" else {
                throw failure(path, "cannot be used")
            }
            nearest = slash == nearest.startIndex ? "/" : String(nearest[..<slash])
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            let what = nearest == path ? path : "\(path) cannot be created: \(nearest)"
            throw StageFailure(.io, "\(what) is not a directory; remove it or name another in the configuration")
        }
        if nearest == path, isOwn { try validate(path) }
        guard access(nearest, W_OK | X_OK) == 0 else {
            throw failure(path, nearest == path ? "cannot be written to" : "cannot be created in \(nearest)")
        }
    }

    private static func validate(_ path: String) throws(StageFailure) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw failure(path, "cannot be used") }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw StageFailure(.io, "\(path) is not a directory; remove it or name another in the configuration")
        }
        guard !isShared(status) else { return }
        guard status.st_uid == geteuid() else {
            throw StageFailure(
                .io, "\(path) belongs to user \(status.st_uid), not to user \(geteuid()), as whom this runs")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw StageFailure(.io, "\(path) is open to other users; close it with: chmod 700 \(path)")
        }
    }

    /// Whether stages of different users share the directory: root, or this user, gave it mode 2770, which nothing gets by
    /// chance. What is created in it belongs to its group.
    package static func isShared(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && isShared(status)
    }

    private static func isShared(_ status: stat) -> Bool {
        status.st_mode & 0o7777 == 0o2770 && [0, geteuid()].contains(status.st_uid)
    }

    private static func failure(_ path: String, _ what: String) -> StageFailure {
        StageFailure(.io, "\(path) \(what): \(String(cString: strerror(errno)))")
    }
}
