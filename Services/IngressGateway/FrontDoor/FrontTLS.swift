import Executable
import NIOSSL
import PipelineConfiguration
import ServerCertificates
import StageMetrics
import Synchronization

/// The door's certificate, where it has one; it can be changed while connections are open, which keep what they began with.
final class FrontTLS: Sendable {
    private let tls: Mutex<ServerTLS?>
    private let registry: MetricRegistry?

    /// Throws where certificate or key cannot be used.
    init(_ configured: ListenerTLS?, _ registry: MetricRegistry? = nil) throws(StageFailure) {
        self.registry = registry
        tls = Mutex(try Self.read(configured))
        count()
    }

    /// For the connection that begins now; nil: plain HTTP.
    var context: NIOSSLContext? { tls.withLock { $0 }?.context }

    /// Reads certificate and key, for whoever is to put them in place when everything else is sure.
    static func read(_ configured: ListenerTLS?) throws(StageFailure) -> ServerTLS? {
        guard let configured else { return nil }
        return try ServerTLS(configured)
    }

    func replace(_ fresh: ServerTLS?) {
        tls.withLock { $0 = fresh }
        count()
    }

    private func count() {
        guard let registry, let tls = tls.withLock({ $0 }) else { return }
        registry.gauge(
            "tributary_certificate_expires_seconds", help: "When the listener's certificate ends, seconds since 1970."
        ).set(Double(tls.expiresAtSeconds))
    }
}
