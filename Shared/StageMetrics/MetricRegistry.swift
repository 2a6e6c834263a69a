import Synchronization

/// All metrics of one process, rendered as Prometheus text 0.0.4.
///
/// Instruments are made once, at the start of a stage, and kept: making one takes a lock, using one does not. Asking
/// twice for the same name and labels gives the same instrument. A name that is used with two kinds of instrument is
/// a programmer's mistake and traps.
package final class MetricRegistry: Sendable {
    private let baseLabels: [(String, String)]
    private let families = Mutex<[MetricFamily]>([])
    /// The threads that must keep moving.
    let heartbeats = Mutex<[Watched]>([])

    /// `stage` and `instance` become the labels `stage` and `stage_instance` of every sample (`instance` is the scraper's
    /// own word for what it asks, and would become `exported_instance`), `version` that of `tributary_build_info`.
    package init(stage: String, instance: String, version: String) {
        baseLabels = [("stage", stage), ("stage_instance", instance)]
        gauge("tributary_build_info", help: "Always 1; the version is a label.", labels: [("version", version)]).set(1)
    }

    /// A counter; its name ends in `_total`.
    package func counter(_ name: String, help: String, labels: [(String, String)] = []) -> Counter {
        let series = series(name, .counter, help, labels) { .counter(Counter()) }
        guard case .counter(let counter) = series else { preconditionFailure("\(name) is not a counter") }
        return counter
    }

    /// A gauge that is set by its owner.
    package func gauge(_ name: String, help: String, labels: [(String, String)] = []) -> Gauge {
        let series = series(name, .gauge, help, labels) { .gauge(Gauge()) }
        guard case .gauge(let gauge) = series else { preconditionFailure("\(name) is read, not set") }
        return gauge
    }

    /// A gauge that is read when the metrics are asked for, on the thread of the admin endpoint.
    package func gauge(
        _ name: String, help: String, labels: [(String, String)] = [], read: @escaping @Sendable () -> Double
    ) {
        _ = series(name, .gauge, help, labels, replaces: true) { .reading(read) }
    }

    /// A histogram of durations, recorded in nanoseconds and rendered in seconds; its name ends in `_seconds`.
    package func histogram(_ name: String, help: String, labels: [(String, String)] = []) -> LatencyHistogram {
        let series = series(name, .histogram, help, labels) { .histogram(LatencyHistogram()) }
        guard case .histogram(let histogram) = series else { preconditionFailure("\(name) is not a histogram") }
        return histogram
    }

    /// The Prometheus text of every metric and of the process itself.
    package func render() -> String {
        var text = MetricText()
        for family in families.withLock({ $0 }) + ProcessMetrics.read().families(baseLabels) { text.append(family) }
        return text.text
    }

    /// The same as values; of the metrics with these names only, where some are named.
    package func read(_ names: Set<String>? = nil) -> [MetricReading] {
        let all = families.withLock { $0 } + ProcessMetrics.read().families(baseLabels)
        return all.filter { names?.contains($0.name) ?? true }.map(MetricReading.init)
    }

    private func series(
        _ name: String, _ kind: MetricKind, _ help: String, _ labels: [(String, String)], replaces: Bool = false,
        make: () -> MetricSeries
    ) -> MetricSeries {
        precondition(MetricText.isValidName(name), "\(name) is not a valid metric name")
        precondition(labels.allSatisfy { MetricText.isValidName($0.0) }, "a label of \(name) has an invalid name")
        let rendered = MetricText.labels(baseLabels + labels)
        return families.withLock { families in
            var index = families.firstIndex { $0.name == name }
            if index == nil {
                families.append(MetricFamily(name: name, kind: kind, help: help))
                index = families.count - 1
            }
            let family = index ?? 0
            precondition(families[family].kind == kind, "\(name) is already a \(families[family].kind.rawValue)")
            if let known = families[family].series.index(of: rendered) {
                if replaces { families[family].series[known].value = make() }
                return families[family].series[known].value
            }
            let value = make()
            families[family].series.append(.init(pairs: baseLabels + labels, value: value))
            return value
        }
    }

    /// Drops every series that carries that label, such as those of a subscription that was deleted: otherwise names
    /// that come and go would be kept for ever. Who still holds an instrument may go on using it.
    package func forget(label: (String, String)) {
        families.withLock { families in
            for index in families.indices {
                families[index].series.removeAll { $0.pairs.contains { $0 == label } }
            }
        }
    }
}

/// The kinds of metric that Prometheus text knows and Tributary uses.
enum MetricKind: String, Sendable {
    case counter, gauge, histogram
}

/// What one line (or, for a histogram, one block) of the text is read from.
enum MetricSeries: Sendable {
    case counter(Counter)
    case gauge(Gauge)
    case reading(@Sendable () -> Double)
    case histogram(LatencyHistogram)
}

/// All series of one name.
struct MetricFamily: Sendable {
    struct Labelled: Sendable {
        let pairs: [(String, String)]
        /// The labels rendered, without braces.
        let labels: String
        var value: MetricSeries

        init(pairs: [(String, String)], value: MetricSeries) {
            self.pairs = pairs
            labels = MetricText.labels(pairs)
            self.value = value
        }

        /// Calls `body` for every sample with the ending of its name, its bound where it is a bucket, and its value.
        func forEachSample(_ body: (_ ending: String, _ bound: String?, _ value: String) -> Void) {
            switch value {
            case .counter(let counter): body("", nil, String(counter.value))
            case .gauge(let gauge): body("", nil, MetricText.number(gauge.value))
            case .reading(let read): body("", nil, MetricText.number(read()))
            case .histogram(let histogram):
                let (counts, sum) = histogram.snapshot()
                var total = 0
                for (bucket, count) in counts.enumerated() {
                    total += count
                    let isLast = bucket == LatencyHistogram.bounds.count
                    let bound = isLast ? .infinity : Double(LatencyHistogram.bounds[bucket]) / 1e9
                    body("_bucket", MetricText.number(bound), String(total))
                }
                body("_sum", nil, MetricText.number(Double(sum) / 1e9))
                body("_count", nil, String(total))
            }
        }
    }

    /// In the order of their making, found by their labels.
    struct SeriesList: Sendable {
        private(set) var all: [Labelled] = []
        private var places: [String: Int] = [:]

        func index(of labels: String) -> Int? { places[labels] }

        subscript(_ index: Int) -> Labelled {
            get { all[index] }
            set { all[index] = newValue }
        }

        mutating func append(_ series: Labelled) {
            places[series.labels] = all.count
            all.append(series)
        }

        mutating func removeAll(where isWanted: (Labelled) -> Bool) {
            all.removeAll(where: isWanted)
            places = [:]
            for (index, series) in all.enumerated() { places[series.labels] = index }
        }
    }

    let name: String
    let kind: MetricKind
    let help: String
    var series = SeriesList()
}
