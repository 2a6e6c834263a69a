import EventLog
import Executable
import JSON
import NIOSSL
import PipelineConfiguration
import StageProcess

/// A subscription as the router knows it: where it came from, what it is and what signs for it.
struct KnownSubscription: Sendable {
    enum Origin: String, CaseIterable {
        case configuration
        case api
    }

    let configuration: SubscriptionConfiguration
    /// Newest first. Of a configured subscription those that its references gave, without times.
    let secrets: [StoredSecret]
    /// As it lies in the event log; nil of a configured one.
    let stored: StoredSubscription?
    /// What a configured subscription connects with where the defaults do not fit.
    let tls: NIOSSLContext?

    var name: String { configuration.name }
    var origin: Origin { stored == nil ? .configuration : .api }

    init(configured configuration: SubscriptionConfiguration, secrets: [[UInt8]], tls: NIOSSLContext? = nil) {
        self.configuration = configuration
        self.secrets = SigningSecrets.stored(secrets, createdAt: 0)
        self.tls = tls
        stored = nil
    }

    /// Reads what a configured subscription refers to. Blocks. Throws where something is not there or does not fit.
    init(_ configuration: SubscriptionConfiguration, _ environment: StageEnvironment) throws(StageFailure) {
        var secrets: [[UInt8]] = []
        for reference in configuration.signing.secrets {
            let secret = try environment.resolve(reference)
            do {
                _ = try DeliverySigner(configuration.signing, secrets: [secret])
            } catch {
                throw StageFailure(.configuration, "\(reference.keyPath): \(error)")
            }
            secrets.append(secret)
        }
        self.init(
            configured: configuration, secrets: secrets,
            tls: try configuration.tls.map { tls throws(StageFailure) in
                try Self.context(tls, configuration.name, environment)
            })
    }

    private static func context(
        _ tls: SubscriberTLS, _ name: String, _ environment: StageEnvironment
    ) throws(StageFailure) -> NIOSSLContext {
        func read(_ reference: SecretReference?) throws(StageFailure) -> [UInt8]? {
            guard let reference else { return nil }
            return try environment.resolve(reference)
        }
        let (ca, certificate, key) = (try read(tls.ca), try read(tls.certificate), try read(tls.key))
        do {
            return try ClientTLS.context(ca: ca, certificate: certificate, key: key)
        } catch {
            throw StageFailure(.configuration, "subscription \(name): tls: \(error)")
        }
    }

    init(_ stored: StoredSubscription, _ configuration: SubscriptionConfiguration) {
        self.configuration = configuration
        secrets = stored.secrets
        self.stored = stored
        tls = nil
    }

    /// Reads a stored subscription. A source that is not configured any more only matches nothing, so it is no error.
    init(_ stored: StoredSubscription, sources: [String]) throws(SubscriptionDocumentError) {
        let document = JSONValue.read(Array(stored.document.utf8)) ?? .null
        let named = document["filter"]["sources"].elements.map(\.text)
        self.init(stored, try SubscriptionDocument.decode(document, sources: sources + named))
    }

    /// Whether deliveries are made and signed in the same way.
    func isSame(as other: KnownSubscription) -> Bool {
        secrets.map(\.bytes) == other.secrets.map(\.bytes)
            && SubscriptionDocument.json(configuration) == SubscriptionDocument.json(other.configuration)
    }

    /// The secrets that sign at that time, newest first.
    func signingSecrets(at nanoseconds: Int64) -> [[UInt8]] {
        SigningSecrets.valid(secrets, at: nanoseconds).map(\.bytes)
    }
}
