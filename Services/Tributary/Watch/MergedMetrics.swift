import StageMetrics

/// The metrics of several instances as one: every metric once, in the order in which they first came.
struct MergedMetrics {
    private(set) var metrics: [MetricReading] = []
    private var places: [String: Int] = [:]
    /// What was left out, and why: an instance that does not answer, or whose metric is of another kind than elsewhere.
    private(set) var leftOut: [String] = []

    /// Adds what one instance answered; samples that do not say where they come from are given its labels.
    mutating func add(_ metrics: [MetricReading], stage: String, instance: String) {
        for metric in metrics where !metric.samples.isEmpty {
            let samples = metric.samples.map { sample in
                var sample = sample
                for (name, value) in [("stage", stage), ("stage_instance", instance)] where sample.label(name) == nil {
                    sample.labels.append((name, value))
                }
                return sample
            }
            guard let place = places[metric.name] else {
                places[metric.name] = self.metrics.count
                var first = metric
                first.samples = samples
                self.metrics.append(first)
                continue
            }
            let kind = self.metrics[place].kind
            if kind == metric.kind {
                self.metrics[place].samples += samples
            } else {
                leftOut.append("\(instance): \(metric.name) is a \(metric.kind), elsewhere a \(kind)")
            }
        }
    }

    /// Notes an instance whose metrics cannot be had.
    mutating func addSilent(_ instance: String) {
        leftOut.append("\(instance): its admin endpoint does not answer")
    }

    /// As one Prometheus text.
    var text: String {
        var text = MetricText()
        for metric in metrics { text.append(metric) }
        return text.text
    }
}
