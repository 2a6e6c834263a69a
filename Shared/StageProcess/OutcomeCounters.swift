package import StageMetrics

/// Counts what became of records: accepted or refused, refusals by code and source. Belongs to one thread; the label
/// values are the configuration's source names and the fixed words of rejections, never text from a payload.
package final class OutcomeCounters {
    private let registry: MetricRegistry
    private let sources: [[UInt8]]
    private let accepted: Counter
    private let rejected: Counter
    private var refusals: [Key: Counter] = [:]

    private struct Key: Hashable {
        var code: String
        var source: Int
    }

    package init(_ registry: MetricRegistry, sources: [String]) {
        self.registry = registry
        self.sources = sources.map { Array($0.utf8) }
        let help = "What became of records."
        accepted = registry.counter("tributary_outcomes_total", help: help, labels: [("outcome", "accepted")])
        rejected = registry.counter("tributary_outcomes_total", help: help, labels: [("outcome", "rejected")])
    }

    package func countAccepted() { accepted.add() }

    /// `source`: the name in the record; one that is not configured counts as `unknown`.
    package func countRefused(code: String, source: UnsafeRawBufferPointer) {
        rejected.add()
        countRefusedElement(code: code, source: source)
    }

    /// The same for one element of a webhook whose others go on.
    package func countRefusedElement(code: String, source: UnsafeRawBufferPointer) {
        let place = sources.firstIndex { $0.elementsEqual(source) } ?? -1
        let key = Key(code: code, source: place)
        let counter =
            refusals[key]
            ?? registry.counter(
                "tributary_stage_refusals_total",
                help: "Webhooks and elements that this stage refused, those sent again included.",
                labels: [
                    ("code", code), ("source", place < 0 ? "unknown" : String(decoding: sources[place], as: UTF8.self)),
                ])
        refusals[key] = counter
        counter.add()
    }
}
