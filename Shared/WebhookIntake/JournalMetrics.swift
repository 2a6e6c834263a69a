package import StageMetrics
internal import Synchronization

/// The instruments of a journal and its thread, made once. What is read on demand comes from `JournalState`.
package struct JournalMetrics: Sendable {
    package let recordsIn: Counter
    package let batchesIn: Counter
    let fsync: LatencyHistogram
    let processing: LatencyHistogram

    package init(_ registry: MetricRegistry, _ partition: IntakePartition) {
        let (state, labels) = (partition.state, partition.labels)
        recordsIn = registry.counter(
            "tributary_records_total", help: "Webhooks taken in and passed on.", labels: [("direction", "in")])
        batchesIn = registry.counter(
            "tributary_batches_total", help: "Batches taken in and passed on.", labels: [("direction", "in")])
        fsync = registry.histogram("tributary_journal_fsync_seconds", help: "Commits of the journal, fsync included.")
        processing = registry.histogram(
            "tributary_processing_seconds", help: "Time the journal's thread needs for a turn.")
        registry.gauge("tributary_journal_bytes", help: "Bytes of the webhooks in the journal.", labels: labels) {
            Double(state.retainedBytes.load(ordering: .relaxed))
        }
        registry.gauge("tributary_backlog_records", help: "Webhooks that are not settled.", labels: labels) {
            Double(state.backlog)
        }
        registry.gauge(
            "tributary_oldest_unsettled_seconds", help: "Age of the oldest webhook that is not settled.", labels: labels
        ) {
            state.oldestUnsettledSeconds(now: wallNanoseconds())
        }
    }
}
