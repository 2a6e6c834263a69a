internal import CPlatform
internal import Glibc

/// Lets a thread wait for another for a bounded time, measured by the monotonic clock. Dispatch's semaphore measures its
/// time-outs by the wall clock on Linux (sem_timedwait(3)): a clock that is set back makes them longer.
package final class TimedSemaphore: Sendable {
    // A semaphore is there for several threads (sem_overview(7)).
    nonisolated(unsafe) private let semaphore: UnsafeMutablePointer<sem_t>

    package init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    package func signal() {
        sem_post(semaphore)
    }

    /// False when nobody signalled in time.
    package func wait(milliseconds: Int) -> Bool {
        tributary_wait_semaphore(semaphore, Int64(milliseconds) * 1_000_000) != 0
    }
}
