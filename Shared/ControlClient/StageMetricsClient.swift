import JSON
package import StageMetrics

/// Asks stages for their metrics. Blocks; not for event loops.
package enum StageMetricsClient {
    /// All of an instance's metrics or those of these names; nil where it does not answer in time.
    package static func read(
        _ runDir: String, _ instance: String, names: [String] = [], timeoutSeconds: Int
    ) -> [MetricReading]? {
        let client = ControlClient(socketPath: "\(runDir)/\(instance).admin", timeoutSeconds: timeoutSeconds)
        let target = names.isEmpty ? "/metrics.json" : "/metrics.json?names=\(names.joined(separator: ","))"
        guard let reply = try? client.request("GET", target), reply.status == 200,
            let answer = JSONValue.read(reply.body)
        else { return nil }
        return MetricDocument.read(answer)
    }
}
