/// One metric as it was read, here or in another process.
package struct MetricReading: Sendable {
    /// One line of the text; a histogram has one for each bucket, its sum and its count.
    package struct Sample: Sendable {
        package let name: String
        package var labels: [(String, String)]
        /// A number as Prometheus writes it: `NaN` and `+Inf` are some, too.
        package let value: String

        package init(name: String, labels: [(String, String)], value: String) {
            self.name = name
            self.labels = labels
            self.value = value
        }

        /// The value of a label; nil where there is no such label.
        package func label(_ name: String) -> String? { labels.first { $0.0 == name }?.1 }
    }

    package let name: String
    /// `counter`, `gauge` or `histogram`.
    package let kind: String
    package let help: String
    package var samples: [Sample]

    package init(name: String, kind: String, help: String, samples: [Sample]) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    init(_ family: MetricFamily) {
        var samples: [Sample] = []
        for series in family.series.all {
            series.forEachSample { ending, bound, value in
                let labels = series.pairs + (bound.map { [("le", $0)] } ?? [])
                samples.append(Sample(name: family.name + ending, labels: labels, value: value))
            }
        }
        self.init(name: family.name, kind: family.kind.rawValue, help: family.help, samples: samples)
    }
}
