internal import Glibc

/// How threads share the processors with others (sched(7)).
package enum Scheduling {
    // `SCHED_BATCH` and `SCHED_IDLE`, which Glibc's module does not export.
    private static let batch: Int32 = 3
    private static let idle: Int32 = 5

    /// Whether this thread interrupts nobody by waking up.
    package static var isPatient: Bool { sched_getscheduler(0) == batch }

    /// From now on this thread, and those that it starts, wake up without interrupting who runs. Each hand-over of a pipeline
    /// wakes the next thread; where that interrupts the one that hands over, batches stay small and processors switch more.
    /// Nothing changes where the operator chose other than the default policy, or a sandbox refuses.
    package static func becomePatient() {
        if sched_getscheduler(0) == SCHED_OTHER { choose(batch) }
    }

    /// From now on this thread, and those that it starts, run only where the processor would be idle.
    package static func becomeIdle() { choose(idle) }

    private static func choose(_ policy: Int32) {
        var parameters = sched_param()
        _ = sched_setscheduler(0, policy, &parameters)
    }
}
