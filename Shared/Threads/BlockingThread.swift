internal import CPlatform
internal import Glibc
internal import Synchronization

/// A thread of the operating system for a loop that blocks. Whoever wants to see its end keeps this object and joins
/// it; otherwise the thread runs on by itself.
package final class BlockingThread: Sendable {
    private let thread: pthread_t
    private let isJoined = Atomic<Bool>(false)

    /// Runs `body` on a new thread. `name` shows in `top -H`; the kernel keeps 15 bytes of it.
    @discardableResult
    package init(name: String, _ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(
            Body {
                tributary_name_thread(name)
                body()
            })
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        precondition(code == 0, "the system refuses the thread \(name): error \(code)")
        self.thread = thread
    }

    deinit {
        if !isJoined.load(ordering: .relaxed) { pthread_detach(thread) }
    }

    /// Waits for the end of the thread; at once where somebody joined it before.
    package func join() {
        guard !isJoined.exchange(true, ordering: .relaxed) else { return }
        pthread_join(thread, nil)
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
