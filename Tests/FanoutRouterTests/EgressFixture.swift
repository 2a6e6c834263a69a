import Egress
import NIOCore
import NIOPosix
import NIOSSL
import PipelineConfiguration
import Primitives
import Synchronization

@testable import EventDelivery

/// Sends single requests to one subscriber, past lanes and log.
final class EgressFixture: Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let pool: NIOLoopBound<ConnectionPool>
    private let host: String

    init(
        _ url: String, _ resolver: EgressResolver, tls: NIOSSLContext? = nil, reuse: TimeAmount = .minutes(5)
    ) throws {
        let endpoint = try EndpointURL(url)
        host = endpoint.hostHeader
        let loop = group.next()
        pool = try loop.submit {
            NIOLoopBound(
                try ConnectionPool(endpoint: endpoint, resolver: resolver, loop: loop, tls: tls, reuse: reuse),
                eventLoop: loop)
        }.wait()
    }

    /// Only the networks of the texts may be reached.
    convenience init(_ url: String, allow: [String] = [], lookups: NameLookups = NameLookups()) throws {
        try self.init(url, EgressResolver(EgressGuard(allow: allow), lookups: lookups))
    }

    struct Result: Sendable {
        let outcome: AttemptOutcome
        let answer: [UInt8]

        /// Apart, so that outcomes can be compared.
        init(_ outcome: AttemptOutcome) {
            var outcome = outcome
            answer = outcome.answer
            outcome.answer = []
            self.outcome = outcome
        }

        var text: String { String(decoding: answer, as: UTF8.self) }
    }

    func begin(
        body: ByteBuffer = ByteBuffer(string: "{}"), timeoutNanoseconds: Int64 = patience.nanoseconds
    ) -> EventLoopFuture<Result> {
        let loop = group.next()
        let promise = loop.makePromise(of: Result.self)
        loop.execute { [pool, host] in
            let request = OutboundRequest(body: .buffer(body), timeoutNanoseconds: timeoutNanoseconds) {
                $0.writeString("POST / HTTP/1.1\r\nhost: \(host)\r\ncontent-length: \(body.readableBytes)\r\n\r\n")
            }
            pool.value.send(request) { promise.succeed(Result($0)) }
        }
        return promise.futureResult
    }

    func send(timeoutNanoseconds: Int64 = patience.nanoseconds) throws -> Result {
        try begin(timeoutNanoseconds: timeoutNanoseconds).wait()
    }

    func stop() {
        try? group.next().submit { [pool] in pool.value.close() }.wait()
        try? group.syncShutdownGracefully()
    }
}

/// Accepts connections on every address of this machine, and counts them.
final class Tripwire: Sendable {
    let port: Int
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let channel: any Channel
    private let connections: Tally

    private final class Tally: Sendable {
        let count = Atomic<Int>(0)
    }

    init(host: String = "::", port: Int = 0) throws {
        let tally = Tally()
        connections = tally
        channel = try ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                tally.count.add(1, ordering: .relaxed)
                return channel.close()
            }
            .bind(host: host, port: port).wait()
        self.port = channel.localAddress?.port ?? 0
    }

    var count: Int { connections.count.load(ordering: .relaxed) }

    func stop() {
        try? channel.close().wait()
        try? group.syncShutdownGracefully()
    }
}
