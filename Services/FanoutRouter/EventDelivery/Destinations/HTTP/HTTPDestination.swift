import DeliverySigning
import Egress
import Executable
import NIOCore
import NIOSSL
import PipelineConfiguration
import Primitives
import StageProcess

/// A subscriber that takes HTTP requests: one request for each attempt.
///
/// Confined to the event loop of the lanes.
final class HTTPDestination: Destination {
    private let head: DeliveryHead
    private let connections: ConnectionPool

    init(head: DeliveryHead, connections: ConnectionPool) {
        self.head = head
        self.connections = connections
    }

    func deliver(_ delivery: Delivery, completion: @escaping (AttemptOutcome) -> Void) {
        let content =
            switch delivery.content {
            case .single(let content): content
            case .batch(let contents): DeliveryContent(joining: contents)
            }
        let request = OutboundRequest(body: content.body, timeoutNanoseconds: delivery.timeoutNanoseconds) {
            head.write(delivery, content, to: &$0)
        }
        connections.send(request, completion: completion)
    }

    func close(successor: (any Destination)?) {
        if (successor as? HTTPDestination)?.connections !== connections { connections.close() }
    }

    /// Its connections where they lead to the same place by the same way. With certificates of its own a subscription gets
    /// new ones, because the files may hold others now.
    fileprivate func connections(to endpoint: EndpointURL, _ context: DestinationContext) -> ConnectionPool? {
        connections.leads(to: endpoint, by: context.egress) && context.resources == nil ? connections : nil
    }
}

extension HTTPDestinationConfiguration: DestinationKind {
    static var outcomes: [AttemptEnd] { AttemptEnd.ofHTTP }

    func resources(of subscription: String, _ environment: StageEnvironment) throws(StageFailure) -> (any Sendable)? {
        guard let tls else { return nil }
        func read(_ reference: SecretReference?) throws(StageFailure) -> [UInt8]? {
            guard let reference else { return nil }
            return try environment.resolve(reference)
        }
        let (ca, certificate, key) = (try read(tls.ca), try read(tls.certificate), try read(tls.key))
        do {
            return try ClientTLS.context(ca: ca, certificate: certificate, key: key)
        } catch {
            throw StageFailure(.configuration, "subscription \(subscription): tls: \(error)")
        }
    }

    /// What a name stands for is judged at every attempt. `EndpointURL` takes one spelling of an address; all others are
    /// no hosts.
    func apiRefusal(by router: RouterConfiguration) -> (key: String, sentence: String)? {
        let egress = EgressGuard(allow: router.egressAllow, allowHTTP: router.allowHTTP)
        guard let address = IPAddress(url.host) else { return nil }
        guard egress.permits(address) else {
            return (
                "url",
                "\(url.host) is not a global address; the operator must list its network in router.egress_allow"
            )
        }
        guard url.isTLS || egress.permitsHTTP(to: address) else {
            return (
                "url",
                "http:// would send events unencrypted; use https://, or let the operator list the network in "
                    + "router.egress_allow or set router.allow_http"
            )
        }
        return nil
    }

    func check(_ context: DestinationContext) throws {
        _ = try signer(context)
        if url.isTLS, context.resources == nil { _ = try context.egress.sharedTLS() }
    }

    func destination(
        _ context: DestinationContext, on loop: any EventLoop, former: (any Destination)?
    ) throws -> any Destination {
        let kept = (former as? HTTPDestination)?.connections(to: url, context)
        return HTTPDestination(
            head: DeliveryHead(endpoint: url, lineage: context.lineage, signer: try signer(context)),
            connections: try kept
                ?? ConnectionPool(
                    endpoint: url, resolver: context.egress, loop: loop,
                    tls: context.resources as? NIOSSLContext, certificateSeen: context.certificateSeen))
    }

    private func signer(_ context: DestinationContext) throws(SigningSecretError) -> DeliverySigner {
        guard signing.scheme == .none || !context.secrets.isEmpty else {
            throw SigningSecretError(description: "no secret is left to sign with; give it one")
        }
        return try DeliverySigner(signing, secrets: context.secrets)
    }
}
