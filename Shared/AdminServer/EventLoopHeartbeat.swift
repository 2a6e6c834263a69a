package import NIOCore
package import StageMetrics

extension EventLoop {
    /// Beats once a second for as long as the loop runs.
    package func keepBeating(_ heartbeat: Heartbeat) {
        scheduleRepeatedTask(initialDelay: .zero, delay: .seconds(1)) { _ in heartbeat.beat() }
    }
}
