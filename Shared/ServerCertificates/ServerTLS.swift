package import Executable
import NIOCore
package import NIOSSL
package import PipelineConfiguration
import Synchronization

/// The TLS of a listener: certificate and key, read again on demand without touching the connections that are open.
/// Every connection takes `context` when it begins.
package final class ServerTLS: Sendable {
    private struct Proof {
        let context: NIOSSLContext
        let expiresAtSeconds: Int
    }

    private let tls: ListenerTLS
    private let proof: Mutex<Proof>

    /// Reads certificate and key. Throws `configuration` where one cannot be read or is not PEM, or where the key does not
    /// belong to the certificate.
    package init(_ tls: ListenerTLS) throws(StageFailure) {
        self.tls = tls
        proof = Mutex(try Self.read(tls))
    }

    /// For the connection that begins now.
    package var context: NIOSSLContext { proof.withLock { $0.context } }

    /// When the certificate ends to count, in seconds since 1970.
    package var expiresAtSeconds: Int { proof.withLock { $0.expiresAtSeconds } }

    /// Reads certificate and key again; on failure the old ones stay.
    package func reload() throws(StageFailure) {
        let fresh = try Self.read(tls)
        proof.withLock { $0 = fresh }
    }

    private static func read(_ tls: ListenerTLS) throws(StageFailure) -> Proof {
        let chain = try certificates(tls.certificate)
        let key: NIOSSLPrivateKey
        do {
            key = try NIOSSLPrivateKey(bytes: try bytes(tls.key), format: .pem)
        } catch let failure as StageFailure {
            throw failure
        } catch {
            throw StageFailure(
                .configuration,
                "\(tls.key.keyPath) refers to \(tls.key), which is no PEM key without a passphrase")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.maximumTLSVersion = .tlsv13
        configuration.applicationProtocols = ["http/1.1"]
        // How long a closing connection waits for the other side's close_notify.
        configuration.shutdownTimeout = .seconds(1)
        do {
            return Proof(
                context: try NIOSSLContext(configuration: configuration),
                expiresAtSeconds: Int(chain[0].notValidAfter))
        } catch {
            throw StageFailure(
                .configuration,
                "\(tls.key.keyPath) refers to \(tls.key), whose key does not belong to the certificate in "
                    + "\(tls.certificate); the certificate of the listener itself must come first")
        }
    }

    private static func certificates(_ reference: SecretReference) throws(StageFailure) -> [NIOSSLCertificate] {
        let pem = try bytes(reference)
        if let chain = try? NIOSSLCertificate.fromPEMBytes(pem), !chain.isEmpty { return chain }
        throw StageFailure(
            .configuration, "\(reference.keyPath) refers to \(reference), which holds no PEM certificate")
    }

    private static func bytes(_ reference: SecretReference) throws(StageFailure) -> [UInt8] {
        do {
            return try reference.resolve()
        } catch {
            throw StageFailure(.configuration, error.sentence)
        }
    }
}
