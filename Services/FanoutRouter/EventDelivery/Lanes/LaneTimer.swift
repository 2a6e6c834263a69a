import NIOCore

/// Wakes a lane at the earliest of the times that it asked for. Confined to the event loop.
final class LaneTimer {
    private let loop: any EventLoop
    private let fire: () -> Void
    private var armed: (due: Int64, task: Scheduled<Void>)?

    init(loop: any EventLoop, fire: @escaping () -> Void) {
        self.loop = loop
        self.fire = fire
    }

    /// Both in monotonic nanoseconds; what is due already waits for a millisecond.
    func arm(due: Int64, now: Int64) {
        if let armed {
            guard due < armed.due else { return }
            armed.task.cancel()
        }
        let task = loop.assumeIsolated().scheduleTask(in: .nanoseconds(max(due - now, 1_000_000))) { [weak self] in
            guard let self else { return }
            armed = nil
            fire()
        }
        armed = (due, task)
    }

    func disarm() {
        armed?.task.cancel()
        armed = nil
    }
}
