package import StageMetrics
internal import Synchronization

/// The links of one instance that are refused because their two ends have no version in common. Nothing was sent on them, so
/// nothing is lost and nobody counts as dead; what waits goes to others or stays on the ingress' disk.
package final class LinkRefusals: Sendable {
    /// The word of it in logs.
    package static let code = "wire_version_unsupported"

    private let state = Mutex<(own: Set<String>, of: Set<String>)>(([], []))
    private let gauge: Gauge
    private let say: @Sendable (String) -> Void

    /// `say` gets a sentence for each, once, on the bus thread.
    package init(
        _ metrics: MetricRegistry, labels: [(String, String)] = [], say: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        gauge = metrics.gauge(
            "tributary_links_refused", help: "Links whose two ends have no wire version in common.", labels: labels)
        self.say = say
    }

    /// Each with the versions of both ends, and which of them is to be upgraded.
    package var all: [String] { state.withLock { $0.own.union($0.of).sorted() } }

    /// Those among them with which this instance had connected to others: while there is one, it is itself not in its place.
    package var own: [String] { state.withLock { $0.own.sorted() } }

    /// `own`: refused by others; `of`: others that are refused here.
    func update(own: [String] = [], of others: [String] = []) {
        let (all, new) = state.withLock { known in
            let former = known.own.union(known.of)
            known = (Set(own), Set(others))
            let all = known.own.union(known.of)
            return (all, all.subtracting(former))
        }
        gauge.set(Double(all.count))
        for sentence in new.sorted() { say(sentence) }
    }
}
