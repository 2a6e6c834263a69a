import Egress
import Executable
import NIOCore
import NIOPosix
import PipelineConfiguration
import ServerCertificates
import StageMetrics
import Synchronization

/// Where the router and the connector connect to: whether the name resolves, the address is allowed, somebody listens and
/// has a certificate that counts.
enum DestinationFindings {
    /// Who connects, and to where.
    struct Target: Sendable {
        var words: String
        var url: EndpointURL
        var tls: SubscriberTLS?
        /// Nil where the connector's rules count, which the configuration has checked.
        var egress: EgressGuard?
    }

    /// Lookups and connections that are made at a time.
    private static let threads = 16

    static func of(_ configuration: TributaryConfiguration, api: [(name: String, url: String)]) -> [Finding] {
        let (router, placement) = (configuration.router, Placement(configuration))
        guard router.egressProxy == nil else {
            let text = "deliveries go through router.egress_proxy, so destinations were not connected to from here"
            return [Finding(.fine, "router.egress_proxy", text, code: .connection)]
        }
        let egress = EgressGuard(allow: router.egressAllow, allowHTTP: router.allowHTTP)
        let subscriptions = placement.has(.fanoutRouter) ? configuration.subscriptions : []
        var targets = subscriptions.flatMap { subscription in
            subscription.destination.endpoints.map {
                Target(
                    words: "subscription \(subscription.name)", url: $0, tls: subscription.destination.tls,
                    egress: egress)
            }
        }
        targets += api.compactMap { name, text in
            (try? EndpointURL(text)).map { Target(words: "subscription \(name)", url: $0, egress: egress) }
        }
        let connectors = placement.has(.ingressConnector) ? configuration.connectors : []
        targets += connectors.map {
            Target(words: "connector \($0.name)", url: $0.place.url, tls: $0.ca.map { SubscriberTLS(ca: $0) })
        }
        return examine(targets)
    }

    /// The findings of all, in their order; a few at a time.
    private static func examine(_ targets: [Target]) -> [Finding] {
        guard !targets.isEmpty else { return [] }
        let pool = NIOThreadPool(numberOfThreads: min(threads, targets.count))
        pool.start()
        defer { try? pool.syncShutdownGracefully() }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let examined = targets.map { target in
            pool.runIfActive(eventLoop: loop) { DestinationProbe(target).findings() }
        }
        return (try? EventLoopFuture.whenAllSucceed(examined, on: loop).wait())?.flatMap(\.self) ?? []
    }
}

/// Certificates near their end.
enum CertificateFindings {
    /// Fewer, and somebody should have renewed it.
    private static let nearDays = 14

    static func finding(_ key: String, expiresAtSeconds: Int, nowNanoseconds: Int64 = wallNanoseconds()) -> Finding {
        let days = (expiresAtSeconds - Int(nowNanoseconds / 1_000_000_000)) / 86_400
        if expiresAtSeconds <= Int(nowNanoseconds / 1_000_000_000) {
            return Finding(.error, key, "its certificate is over", code: .certificate)
        }
        return Finding(
            days < nearDays ? .warning : .fine, key, "its certificate counts for \(days) more days", code: .certificate)
    }

    /// Those of the listeners, where this user may read them.
    static func ofListeners(_ configuration: TributaryConfiguration) -> [Finding] {
        [("ingress.tls", configuration.ingress.tls), ("router.tls", configuration.router.tls)].compactMap { key, tls in
            tls.flatMap { try? ServerTLS($0) }.map { finding(key, expiresAtSeconds: $0.expiresAtSeconds) }
        }
    }
}
