/// Writes Prometheus text 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).
struct MetricText {
    private(set) var text = ""

    /// Appends a family: HELP and TYPE once, then every series.
    mutating func append(_ family: MetricFamily) {
        appendHead(family.name, family.kind, family.help)
        for series in family.series.all {
            switch series.value {
            case .counter(let counter): appendSample(family.name, series.labels, String(counter.value))
            case .gauge(let gauge): appendSample(family.name, series.labels, Self.number(gauge.value))
            case .reading(let read): appendSample(family.name, series.labels, Self.number(read()))
            case .histogram(let histogram): append(histogram, family.name, series.labels)
            }
        }
    }

    /// Appends the HELP and TYPE lines of a family.
    mutating func appendHead(_ name: String, _ kind: MetricKind, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
    }

    /// Appends one sample; `labels` is rendered and without braces.
    mutating func appendSample(_ name: String, _ labels: String, _ value: String) {
        text += "\(name){\(labels)} \(value)\n"
    }

    private mutating func append(_ histogram: LatencyHistogram, _ name: String, _ labels: String) {
        let (counts, sum) = histogram.snapshot()
        var total = 0
        for (bucket, count) in counts.enumerated() {
            total += count
            let isLast = bucket == LatencyHistogram.bounds.count
            let bound = isLast ? "+Inf" : Self.number(Double(LatencyHistogram.bounds[bucket]) / 1e9)
            appendSample("\(name)_bucket", "\(labels),le=\"\(bound)\"", String(total))
        }
        appendSample("\(name)_sum", labels, Self.number(Double(sum) / 1e9))
        appendSample("\(name)_count", labels, String(total))
    }

    /// Labels without braces, values escaped.
    static func labels(_ labels: [(String, String)]) -> String {
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
