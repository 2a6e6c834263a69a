import Glibc

/// The signals of a stage, taken by one thread that does nothing else, so that no code runs in a signal handler.
package enum Signals {
    private static var taken: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in [SIGTERM, SIGINT, SIGHUP] {
            sigaddset(&set, signal)
        }
        return set
    }

    /// Blocks the signals for this thread and those it starts from now on. What arrives before `start` waits.
    package static func block() {
        var set = taken
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Takes signals on the calling thread: calls `reload` for every SIGHUP and returns at the first SIGTERM or SIGINT.
    /// `block` must have been called before any other thread was started.
    package static func waitForEnd(reload: () -> Void = {}) {
        var set = taken
        while true {
            var signal: Int32 = 0
            guard sigwait(&set, &signal) == 0 else { continue }
            guard signal == SIGHUP else { return ServiceNotifier.current.notify("STOPPING=1") }
            reload()
        }
    }

    /// Calls `terminate` once, for the first SIGTERM or SIGINT, and `reload` for every SIGHUP, both on the thread of
    /// the signals. `block` must have been called before any other thread was started.
    package static func start(
        terminate: @escaping @Sendable () -> Void, reload: @escaping @Sendable () -> Void = {}
    ) {
        BlockingThread(name: "signals") {
            var set = taken
            var isTerminating = false
            while true {
                var signal: Int32 = 0
                guard sigwait(&set, &signal) == 0 else { continue }
                if signal == SIGHUP {
                    reload()
                } else if !isTerminating {
                    isTerminating = true
                    ServiceNotifier.current.notify("STOPPING=1")
                    terminate()
                }
            }
        }
    }
}
