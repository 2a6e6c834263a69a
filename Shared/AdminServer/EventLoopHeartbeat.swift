package import NIOCore
package import StageMetrics

extension EventLoop {
    /// Beats now and then for as long as the loop runs: every beat of an idle loop is a wake-up.
    package func keepBeating(_ heartbeat: Heartbeat) {
        scheduleRepeatedTask(initialDelay: .zero, delay: .seconds(3)) { _ in heartbeat.beat() }
    }
}
