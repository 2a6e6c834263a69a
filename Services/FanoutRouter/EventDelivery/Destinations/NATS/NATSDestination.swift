import Egress
import Executable
import NATS
import NIOCore
import PipelineConfiguration
import Primitives
import StageProcess

/// A stream of NATS JetStream. A delivery is a publication that the stream has acknowledged; as many are under way as the
/// subscription's `concurrency` lets, over one connection and in the order in which they begin.
///
/// Events go out as the CloudEvents NATS binding has them, structured or binary, with `Nats-Msg-Id`, by which the stream
/// knows what it has already.
///
/// Confined to the event loop of the lanes.
final class NATSDestination: Destination {
    fileprivate let link: NATSLink
    private let subject: SubjectTemplate

    init(_ link: NATSLink, subject: SubjectTemplate) {
        self.link = link
        self.subject = subject
    }

    func deliver(_ delivery: Delivery, completion: @escaping (AttemptOutcome) -> Void) {
        guard case .single(let content) = delivery.content else {
            preconditionFailure("a kind that takes no batches is given none")
        }
        let publication = NATSConnection.Publication(
            ticket: 0, subject: subject.subject(of: content), fields: Self.fields(of: content),
            body: content.body.bytes)
        link.publish(publication, timeoutNanoseconds: delivery.timeoutNanoseconds, completion: completion)
    }

    func close(successor: (any Destination)?) {
        if (successor as? NATSDestination)?.link !== link { link.close() }
    }

    /// The binding tells both modes apart by the content type. Of the binary one it is that of the data, and
    /// `ce-datacontenttype` says the same again: readers look for the one or for the other.
    static func fields(of content: DeliveryContent) -> [(name: String, value: String)] {
        var fields = [("content-type", String(decoding: content.contentType, as: UTF8.self))]
        if let id = content.attribute("id") { fields.append(("Nats-Msg-Id", line(id))) }
        guard !content.fields.isEmpty else { return fields }
        fields.append(("ce-datacontenttype", fields[0].1))
        for line in content.fields.split(whereSeparator: { $0 == 0x0D || $0 == 0x0A }) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let value = line[(colon + 1)...].drop { $0 == 0x20 }
            fields.append((String(decoding: line[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
        return fields
    }

    /// An id as the value of a field: one that could not stand in a line is percent-encoded.
    private static func line(_ id: String) -> String {
        id.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? id : PercentCoding.encode(id.utf8)
    }
}

extension NATSDestinationConfiguration: DestinationKind {
    static var outcomes: [AttemptEnd] { AttemptEnd.ofBrokers }

    func resources(of subscription: String, _ environment: StageEnvironment) throws(StageFailure) -> (any Sendable)? {
        func read(_ reference: SecretReference?) throws(StageFailure) -> String? {
            guard let reference else { return nil }
            let text = String(decoding: try environment.resolve(reference), as: UTF8.self)
            // The library takes texts that end at the first zero.
            guard !text.utf8.contains(0) else {
                throw StageFailure(.configuration, "\(reference.keyPath): there is a zero byte in it")
            }
            return text
        }
        var settings = NATSLink.Settings(servers: servers)
        if let tls {
            settings.tls = NATSOptions.TLS(
                ca: try read(tls.ca), certificate: try read(tls.certificate), key: try read(tls.key))
        }
        guard let login else { return settings }
        if let password = try read(login.password) {
            settings.login = .user(name: login.username, password: password)
        } else if let token = try read(login.token) {
            settings.login = .token(token)
        } else if let seed = try read(login.nkeySeed) {
            settings.login = .nkey(publicKey: login.nkey, seed: seed)
        } else if let file = try read(login.credentials) {
            guard let found = NATSOptions.Login.credentials(file: file) else {
                throw StageFailure(
                    .configuration,
                    "subscription \(subscription): login: credentials hold no JWT and seed as nsc writes them")
            }
            settings.login = found
        }
        return settings
    }

    /// What names stand for is judged when a connection is made.
    func apiRefusal(by router: RouterConfiguration) -> (key: String, sentence: String)? {
        if let refusal = refusal(by: router) { return refusal }
        let egress = EgressGuard(allow: router.egressAllow, allowHTTP: router.allowHTTP)
        for server in servers {
            guard let address = IPAddress(server.host) else { continue }
            guard egress.permits(address), server.isTLS || egress.permitsHTTP(to: address) else {
                return (
                    "servers",
                    "\(server.text): the operator must list its network in router.egress_allow, or it must be global and "
                        + "spoken to with tls://"
                )
            }
        }
        return nil
    }

    func check(_ context: DestinationContext) throws {}

    func destination(
        _ context: DestinationContext, on loop: any EventLoop, former: (any Destination)?
    ) throws -> any Destination {
        let settings = context.resources as? NATSLink.Settings ?? NATSLink.Settings(servers: servers)
        let kept = (former as? NATSDestination)?.link
        let link =
            if let kept, kept.leads(by: settings, context.egress) {
                kept
            } else {
                NATSLink(settings, resolver: context.egress, loop: loop)
            }
        return NATSDestination(link, subject: subject)
    }
}
