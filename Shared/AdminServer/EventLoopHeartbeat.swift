package import NIOCore
package import StageMetrics

extension EventLoop {
    /// Beats twice a second for as long as the loop runs.
    package func keepBeating(_ heartbeat: Heartbeat) {
        scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(500)) { _ in heartbeat.beat() }
    }
}
