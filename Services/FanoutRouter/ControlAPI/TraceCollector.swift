import ControlClient
package import EventDelivery
package import Executable
import PipelineConfiguration
package import StageProcess

/// Posts spans to the collector of traces that the configuration names (OTLP over HTTP, binary protobuf).
package enum TraceCollector {
    private static let timeoutSeconds = 5

    /// Throws where a secret is not to be had. Without a collector it takes nothing.
    package static func export(_ environment: StageEnvironment) throws(StageFailure) -> TraceExporter.Export {
        guard let trace = environment.configuration.trace else { return { _ in false } }
        var headers = [("Content-Type", "application/x-protobuf")]
        if let reference = trace.authorization {
            headers.append(("Authorization", String(decoding: try environment.resolve(reference), as: UTF8.self)))
        }
        let client: ControlClient
        do throws(HTTPFailure) {
            client = try ControlClient(
                "\(trace.otlp.isTLS ? "https" : "http")://\(trace.otlp.hostHeader)", keepsAlive: true,
                timeoutSeconds: timeoutSeconds)
        } catch {
            throw StageFailure(.configuration, "trace.otlp: \(error.sentence)")
        }
        let (fields, target) = (headers, (trace.otlp.target == "/" ? "" : trace.otlp.target) + "/v1/traces")
        return { body in
            guard let reply = try? client.request("POST", target, headers: fields, body: body) else { return false }
            return (200..<300).contains(reply.status)
        }
    }
}
