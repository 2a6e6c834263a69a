/// Writes Prometheus text 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).
package struct MetricText {
    package private(set) var text = ""

    package init() {}

    /// Appends a family: HELP and TYPE once, then every series.
    mutating func append(_ family: MetricFamily) {
        appendHead(family.name, family.kind.rawValue, family.help)
        for series in family.series.all {
            series.forEachSample { ending, bound, value in
                let labels = bound.map { "\(series.labels),le=\"\($0)\"" } ?? series.labels
                appendSample(family.name + ending, labels, value)
            }
        }
    }

    /// The same for what was read earlier or elsewhere.
    package mutating func append(_ metric: MetricReading) {
        appendHead(metric.name, metric.kind, metric.help)
        for sample in metric.samples { appendSample(sample.name, Self.labels(sample.labels), sample.value) }
    }

    private mutating func appendHead(_ name: String, _ kind: String, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind)\n"
    }

    /// `labels` is rendered and without braces.
    private mutating func appendSample(_ name: String, _ labels: String, _ value: String) {
        text += "\(name){\(labels)} \(value)\n"
    }

    /// Labels without braces, values escaped.
    package static func labels(_ labels: [(String, String)]) -> String {
        labels.map { "\($0.0)=\"\(escaped($0.1, quotes: true))\"" }.joined(separator: ",")
    }

    /// Whether a metric or label may be called so.
    static func isValidName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: ":"):
                true
            default: false
            }
        }
    }

    /// A number as Prometheus reads it: whole ones without a fraction.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value.magnitude < 1e15, value == value.rounded() { return String(Int64(value)) }
        return "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
