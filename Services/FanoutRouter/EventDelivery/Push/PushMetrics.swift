import StageMetrics

/// The instruments of the hub, made once.
struct PushMetrics: Sendable {
    let watchers: Gauge
    let events: Counter
    let gaps: Counter
    let slow: Counter

    init(_ registry: MetricRegistry) {
        watchers = registry.gauge("tributary_watchers", help: "Connections that watch the event log.")
        events = registry.counter("tributary_watched_events_total", help: "Events that were written to watchers.")
        gaps = registry.counter("tributary_watch_gaps_total", help: "Gaps that watchers were told of.")
        slow = registry.counter(
            "tributary_watchers_closed_slow_total", help: "Watchers that took nothing for too long.")
    }
}
