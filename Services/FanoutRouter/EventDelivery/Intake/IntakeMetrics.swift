import EventLog
import Events
import StageMetrics

/// The instruments of the log thread. Labels come from the configuration and from this project's own codes; what is
/// neither is counted as `other`.
struct IntakeMetrics: Sendable {
    let records: Counter
    let batches: Counter
    let eventsOut: Counter
    let duplicateIDs: Counter
    let duplicateContents: Counter
    let sinceReceipt: LatencyHistogram
    let processing: LatencyHistogram
    let commit: LatencyHistogram
    let commitFailures: Counter
    let earlyEvictions: Gauge
    let displacedDeadLetters: Counter
    private let registry: MetricRegistry
    private let sources: [(name: [UInt8], text: String, events: Counter)]
    private let otherEvents: Counter
    private let quarantines: [String: (webhooks: Gauge, bytes: Gauge, fullness: Gauge, displaced: Counter)]
    static let quarantineFullness = "tributary_quarantine_fullness_ratio"

    /// `sources` are the configured ones with their providers.
    init(_ registry: MetricRegistry, sources: [(name: String, provider: String)]) {
        self.registry = registry
        func direction(_ name: String, _ help: String, _ direction: String) -> Counter {
            registry.counter(name, help: help, labels: [("direction", direction)])
        }
        records = direction("tributary_records_total", "Webhooks taken in and events passed on.", "in")
        eventsOut = direction("tributary_records_total", "Webhooks taken in and events passed on.", "out")
        batches = direction("tributary_batches_total", "Batches taken in.", "in")
        func duplicates(_ reason: String) -> Counter {
            registry.counter(
                "tributary_duplicates_total",
                help:
                    "Events dropped because their source and id, or what their sender signed, are in the log already.",
                labels: [("reason", reason)])
        }
        duplicateIDs = duplicates("id")
        duplicateContents = duplicates("content")
        sinceReceipt = registry.histogram(
            "tributary_since_receipt_seconds", help: "Time from the receipt of a webhook to this stage.")
        processing = registry.histogram(
            "tributary_processing_seconds", help: "Time from taking a batch up to its commit.")
        commit = registry.histogram("tributary_log_commit_seconds", help: "Time of one commit with its fsync.")
        commitFailures = registry.counter("tributary_log_commit_failures_total", help: "Commits that failed.")
        earlyEvictions = registry.gauge(
            "tributary_dedupe_early_evictions", help: "Ids that left the duplicate table before its window was over.")
        displacedDeadLetters = registry.counter(
            "tributary_dead_letters_displaced_total",
            help: "Dead letters dropped because a subscription had too many of them.")
        func events(_ provider: String) -> Counter {
            registry.counter(
                "tributary_events_total", help: "Events written to the log.", labels: [("provider", provider)])
        }
        self.sources = sources.map { (Array($0.name.utf8), $0.name, events($0.provider)) }
        otherEvents = events("other")
        var quarantines: [String: (webhooks: Gauge, bytes: Gauge, fullness: Gauge, displaced: Counter)] = [:]
        for name in sources.map(\.name) + ["other"] {
            let labels = [("source", name)]
            quarantines[name] = (
                registry.gauge("tributary_quarantine_webhooks", help: "Webhooks in quarantine.", labels: labels),
                registry.gauge("tributary_quarantine_bytes", help: "What they take of its bounds.", labels: labels),
                registry.gauge(
                    Self.quarantineFullness, help: "How full the fuller of its two halves is, from 0 to 1.",
                    labels: labels),
                registry.counter(
                    "tributary_quarantine_displaced_total",
                    help: "Quarantined webhooks that made room for later ones of the same source.", labels: labels)
            )
        }
        self.quarantines = quarantines
    }

    /// How full the quarantine is.
    func quarantine(_ use: [QuarantineUse]) {
        for use in use {
            guard let instruments = quarantines[use.source] else { continue }
            instruments.webhooks.set(Double(use.webhooks))
            instruments.bytes.set(Double(use.bytes))
            instruments.fullness.set(use.fullness)
            instruments.displaced.add(use.displaced - instruments.displaced.value)
        }
    }

    func event(of source: UnsafeRawBufferPointer) {
        (sources.first { source.elementsEqual($0.name) }?.events ?? otherEvents).add(1)
    }

    func rejection(_ code: RejectionCode, of source: UnsafeRawBufferPointer) {
        let name = sources.first { source.elementsEqual($0.name) }?.text ?? "other"
        // Codes are this project's words; the length bounds what a damaged section could make up.
        let word =
            code.rawValue.utf8.count <= 40 && code.rawValue.utf8.allSatisfy(Self.isWordByte) ? code.rawValue : "other"
        registry.counter(
            "tributary_rejections_total", help: "Webhooks, or elements of them, that went into quarantine, each once.",
            labels: [("code", word), ("source", name)]
        ).add(1)
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
}
