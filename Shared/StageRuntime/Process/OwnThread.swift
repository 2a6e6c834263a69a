import Glibc

/// Starts a detached thread of the operating system for a loop of its own; `name` (15 characters at most) is what
/// `top -H` shows.
package func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) {
    let boxed = Unmanaged.passRetained(
        ThreadBody {
            nameThisThread(name)
            body()
        })
    var thread = pthread_t()
    let result = pthread_create(
        &thread, nil,
        { pointer in
            guard let pointer else { return nil }
            Unmanaged<ThreadBody>.fromOpaque(pointer).takeRetainedValue().body()
            return nil
        }, boxed.toOpaque())
    precondition(result == 0, "the system has no thread left for \(name)")
    pthread_detach(thread)
}

/// pthread_setname_np is a GNU extension that Swift's Glibc does not show; the kernel offers the same as a file.
private func nameThisThread(_ name: String) {
    let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    let bytes = Array(name.utf8.prefix(15))
    _ = write(descriptor, bytes, bytes.count)
    close(descriptor)
}

private final class ThreadBody: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
    }
}
