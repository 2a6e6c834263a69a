import ControlClient
import Executable
import JSON
import StageMetrics

/// One instance at one moment: what the kernel says of its process, and its own metrics. What does not answer is nil.
struct InstanceReading {
    static let records = "tributary_records_total"
    static let backlog = "tributary_backlog_records"
    static let oldest = "tributary_oldest_unsettled_seconds"
    private static let timeoutSeconds = 1

    var atNanoseconds: Int64
    var cpuSeconds: Double?
    var residentBytes: Double?
    var taken: Double?
    var passedOn: Double?
    var backlogRecords: Double?
    var oldestSeconds: Double?
    var latency: [LatencyBucket] = []

    init(atNanoseconds: Int64) {
        self.atNanoseconds = atNanoseconds
    }

    /// Asks the kernel and the admin endpoint of an instance.
    init(_ row: JSONValue, runDir: String) {
        self.init(atNanoseconds: monotonicNanoseconds())
        guard let pid = row["pid"].integer else { return }
        let metrics = ProcessMetrics.read(String(pid))
        guard metrics.startSeconds > 0 else { return }
        cpuSeconds = metrics.cpuSeconds
        residentBytes = metrics.residentBytes
        let latencyName = Self.latencyName(row["stage"].text)
        let names = [Self.records, Self.backlog, Self.oldest, latencyName]
        if let metrics = StageMetricsClient.read(
            runDir, row["instance"].text, names: names, timeoutSeconds: Self.timeoutSeconds)
        {
            take(metrics, latencyName: latencyName)
        }
    }

    mutating func take(_ metrics: [MetricReading], latencyName: String) {
        let samples = metrics.flatMap(\.samples)
        func total(_ name: String, _ direction: String? = nil) -> Double? {
            let found = samples.filter { $0.name == name && (direction == nil || $0.label("direction") == direction) }
            return found.isEmpty ? nil : found.reduce(0) { $0 + (Double($1.value) ?? 0) }
        }
        taken = total(Self.records, "in")
        passedOn = total(Self.records, "out")
        backlogRecords = total(Self.backlog)
        // With several routers an ingress has one for each.
        oldestSeconds = samples.filter { $0.name == Self.oldest }.compactMap { Double($0.value) }.max()
        latency = LatencyBucket.read(samples.filter { $0.name == latencyName + "_bucket" })
    }

    /// The histogram whose p99 says how a stage is doing.
    static func latencyName(_ stage: String) -> String {
        switch Stage(rawValue: stage) {
        case .ingressGateway: "tributary_acknowledgement_seconds"
        case .ingressConnector: "tributary_journal_fsync_seconds"
        case .fanoutRouter: "tributary_receipt_to_delivery_seconds"
        default: "tributary_since_receipt_seconds"
        }
    }
}

/// A bucket of a histogram: how many durations were `bound` seconds at most.
struct LatencyBucket: Equatable {
    let bound: Double
    var count: Double

    /// Summed over the label sets, by rising bound.
    static func read(_ samples: [MetricReading.Sample]) -> [LatencyBucket] {
        var counts: [Double: Double] = [:]
        for sample in samples {
            guard let bound = sample.label("le").flatMap(number), let count = number(sample.value) else { continue }
            counts[bound, default: 0] += count
        }
        return counts.map { LatencyBucket(bound: $0.key, count: $0.value) }.sorted { $0.bound < $1.bound }
    }

    private static func number(_ text: String) -> Double? { text == "+Inf" ? .infinity : Double(text) }

    /// The value under which `share` of what came between two readings lies, interpolated within its bucket; nil where
    /// nothing came.
    static func quantile(_ share: Double, from before: [LatencyBucket], to after: [LatencyBucket]) -> Double? {
        let earlier = Dictionary(uniqueKeysWithValues: before.map { ($0.bound, $0.count) })
        let gained = after.map { LatencyBucket(bound: $0.bound, count: $0.count - (earlier[$0.bound] ?? 0)) }
        guard let total = gained.last?.count, total > 0 else { return nil }
        let rank = share * total
        var (lower, below) = (0.0, 0.0)
        for bucket in gained {
            if bucket.count >= rank {
                if bucket.bound == .infinity || bucket.count == below { return lower }
                return lower + (bucket.bound - lower) * (rank - below) / (bucket.count - below)
            }
            (lower, below) = (bucket.bound, bucket.count)
        }
        return lower
    }
}
