internal import CPlatform
internal import Glibc

/// A plain thread with a name; joined once.
package final class BusThread: Sendable {
    private let thread: pthread_t

    /// Runs `body` on a new thread. `name` shows in `top -H`; the kernel keeps 15 bytes of it.
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
        precondition(code == 0, "the system refuses another thread: error \(code)")
        self.thread = thread
    }

    /// Waits for the end of the thread. Call it once.
    package func join() {
        pthread_join(thread, nil)
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
