internal import Glibc

/// An exclusive lock on a file or folder that this process believes its own. The kernel releases it when the process
/// ends, however it ends.
package final class ProcessLock: Sendable {
    package enum Failure: Error, Equatable {
        /// Another process holds it.
        case held
        /// The file cannot be opened or locked; the system's error number.
        case refused(Int32)
    }

    package let descriptor: Int32

    /// Locks a folder, so that no file has to be there for it.
    package init(folder path: String) throws(Failure) {
        descriptor = try Self.locked(path, O_RDONLY | O_DIRECTORY)
    }

    /// Locks a file, which is made if it is missing.
    package init(file path: String) throws(Failure) {
        descriptor = try Self.locked(path, O_RDWR | O_CREAT)
    }

    /// Apart from `init`, because an initialiser that throws after its last property is set runs `deinit` too, which would
    /// close the descriptor a second time, by then perhaps somebody else's.
    private static func locked(_ path: String, _ flags: Int32) throws(Failure) -> Int32 {
        let descriptor = open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .refused(errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            close(descriptor)
            throw reason == EWOULDBLOCK ? .held : .refused(reason)
        }
        return descriptor
    }

    deinit {
        // In so many words: a child process between its fork and its exec holds the lock open with us.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
