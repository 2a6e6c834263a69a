import Glibc

/// The lock that keeps an instance from running twice. The kernel releases it when the process ends, however it ends.
final class InstanceLock: Sendable {
    private let descriptor: Int32

    /// Throws `temporary` at once when another process holds the lock.
    init(path: String, instance: String) throws(StageFailure) {
        descriptor = try Self.locked(path, instance)
    }

    /// Apart from `init`, because an initialiser that throws after its last property is set runs `deinit` too, which would
    /// close the descriptor a second time, by then perhaps somebody else's.
    private static func locked(_ path: String, _ instance: String) throws(StageFailure) -> Int32 {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StageFailure(.io, "\(path) cannot be opened: \(String(cString: strerror(errno)))")
        }
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let reason = errno
            close(descriptor)
            guard reason == EWOULDBLOCK else {
                throw StageFailure(.io, "\(path) cannot be locked: \(String(cString: strerror(reason)))")
            }
            throw StageFailure(
                .temporary, "\(instance) runs already: another process holds \(path); stop it or use another --instance"
            )
        }
        return descriptor
    }

    deinit {
        // In so many words: a child process between its fork and its exec holds the lock open with us.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
