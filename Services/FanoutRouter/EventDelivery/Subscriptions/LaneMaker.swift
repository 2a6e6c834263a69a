import EventLog
import Executable
import NIOCore
import PipelineConfiguration
import StageMetrics
import Wire

/// Makes what a lane is made of from a subscription: its settings and its destination.
struct LaneMaker: Sendable {
    let registry: MetricRegistry
    let lineage: LogLineage
    private(set) var router: RouterConfiguration
    private(set) var route: EgressRoute
    private(set) var egress: EgressResolver
    let tracer: TraceExporter?

    init(
        registry: MetricRegistry, lineage: LogLineage, router: RouterConfiguration, route: EgressRoute,
        tracer: TraceExporter?
    ) {
        self.tracer = tracer
        self.registry = registry
        self.lineage = lineage
        self.router = router
        self.route = route
        egress = route.resolver()
    }

    /// The same by another configuration; connections are the same while the way out is.
    func changed(router: RouterConfiguration, route: EgressRoute) -> LaneMaker {
        var maker = self
        maker.router = router
        if route != self.route {
            maker.route = route
            maker.egress = route.resolver()
        }
        return maker
    }

    /// Throws where the subscription lacks something that only deliveries would notice. Blocks the first time: the
    /// certificates of the system are read.
    func check(_ subscription: KnownSubscription, at nanoseconds: Int64) throws(StageFailure) {
        do {
            try subscription.configuration.kind.check(context(subscription, at: nanoseconds))
        } catch {
            throw StageFailure(.configuration, "subscription \(subscription.name): \(error)")
        }
    }

    func settings(_ subscription: KnownSubscription) -> LaneSettings {
        LaneSettings(subscription.configuration, maxUnfinished: router.maxUnfinished)
    }

    /// For the loop of the lane. `former`: what its lane delivers to now.
    func destination(
        _ subscription: KnownSubscription, on loop: any EventLoop, former: (any Destination)?, at nanoseconds: Int64
    ) throws -> any Destination {
        let former = (former as? TracedDestination)?.inner ?? former
        let made = try subscription.configuration.kind.destination(
            context(subscription, at: nanoseconds), on: loop, former: former)
        return tracer.map { TracedDestination(made, of: subscription.name, $0) } ?? made
    }

    /// For the loop of the hub.
    func lane(
        _ subscription: KnownSubscription, saved: SavedLane, in hub: LaneHub, at nanoseconds: Int64
    ) throws -> Lane {
        Lane(
            settings: settings(subscription), saved: saved,
            destination: try destination(subscription, on: hub.loop, former: nil, at: nanoseconds), source: hub,
            metrics: LaneMetrics(
                registry, subscription: subscription.name, outcomes: type(of: subscription.configuration.kind).outcomes),
            loop: hub.loop)
    }

    private func context(_ subscription: KnownSubscription, at nanoseconds: Int64) -> DestinationContext {
        let (registry, name) = (registry, subscription.name)
        return DestinationContext(
            secrets: subscription.signingSecrets(at: nanoseconds), resources: subscription.resources, lineage: lineage,
            router: router,
            certificateSeen: { expiresAtSeconds in
                registry.gauge(
                    ConditionReadings.destinationCertificate,
                    help: "When the certificate of a subscription's destination ends, seconds since 1970.",
                    labels: [("subscription", name)]
                ).set(Double(expiresAtSeconds))
            }, egress: egress)
    }
}
