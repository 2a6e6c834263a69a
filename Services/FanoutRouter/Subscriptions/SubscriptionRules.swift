import PipelineConfiguration
import Primitives

/// What the configuration lets subscriptions of the API be.
struct SubscriptionRules: Sendable {
    /// Names of configured sources.
    let sources: [String]
    private let egress: EgressGuard

    init(_ configuration: TributaryConfiguration) {
        sources = configuration.sources.map(\.name)
        egress = EgressGuard(allow: configuration.router.egressAllow, allowHTTP: configuration.router.allowHTTP)
    }

    /// Why deliveries to that URL would never be made; nil where they may. What a name stands for is judged at every
    /// attempt.
    func problem(with url: EndpointURL) -> String? {
        // `EndpointURL` takes one spelling of an address; all others are no hosts.
        guard let address = IPAddress(url.host) else { return nil }
        guard egress.permits(address) else {
            return "\(url.host) is not a global address; the operator must list its network in router.egress_allow"
        }
        guard url.isTLS || egress.permitsHTTP(to: address) else {
            return "http:// would send events unencrypted; use https://, or let the operator list the network in "
                + "router.egress_allow or set router.allow_http"
        }
        return nil
    }
}
