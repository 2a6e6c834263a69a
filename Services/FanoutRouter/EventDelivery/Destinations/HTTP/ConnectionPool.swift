import NIOCore
import NIOSSL
import PipelineConfiguration

/// The keep-alive connections of one subscription. The lane bounds how many requests are under way, and so how many
/// connections there are.
///
/// An attempt that needs a connection has the host resolved and its addresses checked; one that finds an idle
/// connection goes to the address that was checked when it was opened, five minutes ago at most.
///
/// Confined to its event loop.
final class ConnectionPool {
    typealias Completion = (AttemptOutcome) -> Void

    private let endpoint: EndpointURL
    private let resolver: EgressResolver
    private let hasOwnTLS: Bool
    private let connector: SubscriberConnector
    private let reuse: TimeAmount
    private var idle: [DeliveryConnection] = []
    private var isClosed = false

    /// `tls`: what an `https` subscriber gets instead of the system's certificates. After `reuse` a connection takes no
    /// further request, so that changes of names and addresses are noticed. Throws where TLS cannot be set up.
    init(
        endpoint: EndpointURL, resolver: EgressResolver, loop: any EventLoop, tls: NIOSSLContext? = nil,
        reuse: TimeAmount = .minutes(5), certificateSeen: @escaping (Int) -> Void = { _ in }
    ) throws {
        self.endpoint = endpoint
        self.resolver = resolver
        self.reuse = reuse
        hasOwnTLS = tls != nil
        connector = try SubscriberConnector(
            endpoint: endpoint, resolver: resolver, loop: loop, tls: tls, certificateSeen: certificateSeen)
        connector.released = { [weak self] connection, reusable in
            if let self {
                released(connection, reusable)
            } else if reusable {
                connection.close()
            }
        }
    }

    /// Whether its connections go to that endpoint by that way, secured as by default.
    func leads(to endpoint: EndpointURL, by resolver: EgressResolver) -> Bool {
        endpoint == self.endpoint && resolver === self.resolver && !hasOwnTLS
    }

    /// Sends one request. `completion` runs exactly once, on the loop, never before this returns.
    func send(_ request: OutboundRequest, completion: @escaping Completion) {
        let now = NIODeadline.now()
        let deadline = now + .nanoseconds(request.timeoutNanoseconds)
        while let connection = idle.popLast() {
            guard connection.isOpen else { continue }
            guard now - connection.opened < reuse else {
                connection.close()
                continue
            }
            connection.send(request, deadline: deadline) { outcome in
                // An idle connection that the server was just closing: the request goes out once more, on a new one.
                guard outcome.verdict == .unreachable, connection.requests > 1,
                    outcome.end == .connectionClosed || outcome.end == .notSent
                else { return completion(outcome) }
                self.connectAndSend(request, deadline: deadline, completion: completion)
            }
            return
        }
        connectAndSend(request, deadline: deadline, completion: completion)
    }

    /// Closes idle connections now and the others when their request is over.
    func close() {
        isClosed = true
        let idle = self.idle
        self.idle = []
        for connection in idle { connection.close() }
    }

    private func connectAndSend(
        _ request: OutboundRequest, deadline: NIODeadline, completion: @escaping Completion
    ) {
        connector.open(deadline: deadline) { opened in
            switch opened {
            case .failure(let failure): completion(failure.outcome)
            case .success(let connection): connection.send(request, deadline: deadline, completion: completion)
            }
        }
    }

    private func released(_ connection: DeliveryConnection, _ reusable: Bool) {
        if reusable && !isClosed {
            idle.append(connection)
        } else if reusable {
            connection.close()
        } else {
            idle.removeAll { $0 === connection }
        }
    }
}
