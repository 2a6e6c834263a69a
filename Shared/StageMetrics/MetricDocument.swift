package import JSON

/// What `/metrics.json` answers: `{"metrics":[{"name","type","help","samples":[{"name","labels":{…},"value":"12"}]}]}`.
///
/// The same as `/metrics`, for programs that want values; `?names=a,b` gives only the metrics of these names. Values are
/// strings, because `NaN` and `+Inf` are no numbers of JSON.
package enum MetricDocument {
    package static func text(_ metrics: [MetricReading]) -> JSONText {
        .object(["metrics": .array(metrics.map(text))])
    }

    private static func text(_ metric: MetricReading) -> JSONText {
        .object([
            "name": .string(metric.name), "type": .string(metric.kind), "help": .string(metric.help),
            "samples": .array(metric.samples.map(text)),
        ])
    }

    private static func text(_ sample: MetricReading.Sample) -> JSONText {
        .object([
            "name": .string(sample.name), "labels": .object(sample.labels.map { ($0.0, .string($0.1)) }),
            "value": .string(sample.value),
        ])
    }

    /// Reads such an answer back; what is no metric in it is left out.
    package static func read(_ answer: JSONValue) -> [MetricReading] {
        answer["metrics"].elements.map { metric in
            MetricReading(
                name: metric["name"].text, kind: metric["type"].text, help: metric["help"].text,
                samples: metric["samples"].elements.map { sample in
                    MetricReading.Sample(
                        name: sample["name"].text, labels: labels(sample["labels"]), value: sample["value"].text)
                })
        }
    }

    private static func labels(_ value: JSONValue) -> [(String, String)] {
        guard case .object(let members) = value else { return [] }
        return members.map { ($0.name, $0.value.text) }
    }
}
