import EventLog
import Executable
import NIOCore
import PipelineConfiguration
import StageMetrics
import Wire

/// Makes what a lane is made of from a subscription: settings, request head and connections.
struct LaneMaker: Sendable {
    let registry: MetricRegistry
    let loop: any EventLoop
    let logID: JournalID
    private(set) var maxUnfinished: Int
    private(set) var route: EgressRoute
    private(set) var resolver: EgressResolver

    /// The same with other bounds; connections are the same while the way out is.
    func changed(maxUnfinished: Int, route: EgressRoute) -> LaneMaker {
        var maker = self
        maker.maxUnfinished = maxUnfinished
        if route != self.route {
            maker.route = route
            maker.resolver = route.resolver()
        }
        return maker
    }

    /// Throws where the subscription lacks something that only deliveries would notice. Blocks the first time: the
    /// certificates of the system are read.
    func check(_ subscription: KnownSubscription, at nanoseconds: Int64) throws(StageFailure) {
        do {
            _ = try signer(subscription, at: nanoseconds)
            if subscription.configuration.url.isTLS, subscription.tls == nil { _ = try resolver.sharedTLS() }
        } catch {
            throw StageFailure(.configuration, "subscription \(subscription.name): \(error)")
        }
    }

    func settings(_ subscription: KnownSubscription) -> LaneSettings {
        LaneSettings(subscription.configuration, maxUnfinished: maxUnfinished)
    }

    /// For the loop of the lanes. Traps where `check` would have thrown: going on would mean sending unsigned.
    func head(_ subscription: KnownSubscription, at nanoseconds: Int64) -> DeliveryHead {
        guard let signer = try? signer(subscription, at: nanoseconds) else {
            preconditionFailure("every signing secret was tried when it was read")
        }
        return DeliveryHead(endpoint: subscription.configuration.url, logID: logID, signer: signer)
    }

    /// For the loop of the lanes.
    func transport(_ subscription: KnownSubscription) throws -> any HTTPTransport {
        try ConnectionPool(
            endpoint: subscription.configuration.url, resolver: resolver, loop: loop, tls: subscription.tls)
    }

    /// For the loop of the lanes.
    func lane(
        _ subscription: KnownSubscription, saved: SavedLane, source: any LaneSource, at nanoseconds: Int64
    ) throws -> Lane {
        Lane(
            settings: settings(subscription), saved: saved, head: head(subscription, at: nanoseconds),
            transport: try transport(subscription), source: source,
            metrics: LaneMetrics(registry, subscription: subscription.name), loop: loop)
    }

    private func signer(
        _ subscription: KnownSubscription, at nanoseconds: Int64
    ) throws(SigningSecretError) -> DeliverySigner {
        let secrets = subscription.signingSecrets(at: nanoseconds)
        let signing = subscription.configuration.signing
        guard signing.scheme == .none || !secrets.isEmpty else {
            throw SigningSecretError(description: "no secret is left to sign with; give it one")
        }
        return try DeliverySigner(signing, secrets: secrets)
    }
}
