import DeliverySigning
package import EventLog
import Executable
import JSON
package import PipelineConfiguration
import StageProcess

/// A subscription as the router knows it: where it came from, what it is and what signs for it.
package struct KnownSubscription: Sendable {
    package enum Origin: String, CaseIterable {
        case configuration
        case api
    }

    package let configuration: SubscriptionConfiguration
    /// Newest first. Of a configured subscription those that its references gave, without times.
    package let secrets: [StoredSecret]
    /// As it lies in the event log; nil of a configured one.
    package let stored: StoredSubscription?
    /// What the destination of a configured one refers to, read.
    let resources: (any Sendable)?

    package var name: String { configuration.name }
    package var origin: Origin { stored == nil ? .configuration : .api }

    init(configured configuration: SubscriptionConfiguration, secrets: [[UInt8]], resources: (any Sendable)? = nil) {
        self.configuration = configuration
        self.secrets = SigningSecrets.stored(secrets, createdAt: 0)
        self.resources = resources
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
            resources: try configuration.kind.resources(of: configuration.name, environment))
    }

    init(_ stored: StoredSubscription, _ configuration: SubscriptionConfiguration) {
        self.configuration = configuration
        secrets = stored.secrets
        self.stored = stored
        resources = nil
    }

    /// Reads a stored subscription. A source that is not configured any more only matches nothing, so it is no error.
    init(_ stored: StoredSubscription, sources: [String]) throws(SubscriptionDocumentError) {
        let document = JSONValue.read(Array(stored.document.utf8)) ?? .null
        let named = document["filter"]["sources"].elements.map(\.text)
        self.init(stored, try SubscriptionDocument.decode(document, sources: sources + named))
    }

    /// The secrets that sign at that time, newest first.
    func signingSecrets(at nanoseconds: Int64) -> [[UInt8]] {
        SigningSecrets.valid(secrets, at: nanoseconds).map(\.bytes)
    }
}
