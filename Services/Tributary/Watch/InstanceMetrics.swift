import JSON

/// What `top` shows of one instance: its row of the status, and what it did between two readings.
struct InstanceMetrics {
    let row: JSONValue
    private let now: InstanceReading
    let cpuPercent: Double?
    let inPerSecond: Double?
    let outPerSecond: Double?
    /// What part of all that its stage takes in it takes; of the table that it stands in.
    var sharePercent: Double?
    /// Of the interval; of the whole life where nothing came lately.
    let p99Seconds: Double?

    /// Without an earlier reading there are no rates; a counter that fell belongs to a new process.
    init(_ row: JSONValue, from before: InstanceReading?, to now: InstanceReading) {
        self.row = row
        self.now = now
        let seconds = Double(now.atNanoseconds - (before?.atNanoseconds ?? now.atNanoseconds)) / 1e9
        func perSecond(_ value: (InstanceReading) -> Double?) -> Double? {
            guard let before, let earlier = value(before), let later = value(now), seconds > 0, later >= earlier else {
                return nil
            }
            return (later - earlier) / seconds
        }
        cpuPercent = perSecond(\.cpuSeconds).map { Self.rounded(100 * $0, 10) }
        inPerSecond = perSecond(\.taken).map { Self.rounded($0, 1000) }
        outPerSecond = perSecond(\.passedOn).map { Self.rounded($0, 1000) }
        p99Seconds =
            LatencyBucket.quantile(0.99, from: before?.latency ?? [], to: now.latency)
            ?? LatencyBucket.quantile(0.99, from: [], to: now.latency)
    }

    var residentBytes: Double? { now.residentBytes }
    var recordsIn: Double? { now.taken }
    var recordsOut: Double? { now.passedOn }
    var backlogRecords: Double? { now.backlogRecords }
    var oldestSeconds: Double? { now.oldestSeconds }
    var isReady: Bool { row["state"].text == "ready" }

    /// The row of the status with the figures added.
    var json: JSONText {
        guard case .object(let members) = row else { return .null }
        func number(_ value: Double?) -> JSONText { .optional(value, JSONText.number) }
        return .object(
            members.map { ($0.name, $0.value.json) } + [
                ("cpu_percent", number(cpuPercent)),
                ("resident_bytes", .optional(residentBytes) { .number(Int64($0)) }),
                ("in_per_second", number(inPerSecond)), ("share_percent", number(sharePercent)),
                ("out_per_second", number(outPerSecond)),
                ("records_in", number(recordsIn)), ("records_out", number(recordsOut)),
                ("backlog_records", number(backlogRecords)), ("oldest_unsettled_seconds", number(oldestSeconds)),
                ("p99_seconds", number(p99Seconds)),
                ("p99_of", .string(InstanceReading.latencyName(row["stage"].text))),
            ])
    }

    private static func rounded(_ value: Double, _ parts: Double) -> Double { (value * parts).rounded() / parts }
}
