import Glibc
import HTTPFront
import NIOCore
import NIOPosix
import NIOSSL

/// The HTTP server: listening socket, event loops and their connections.
final class FrontDoor: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let loops: [NIOLoopBound<FrontLoop>]
    private let channel: any Channel

    /// Event loops come first, because answers need to know them before the first request can come.
    struct Loops: Sendable {
        let group: MultiThreadedEventLoopGroup
        let loops: [NIOLoopBound<FrontLoop>]
        let sinks: [any AnswerSink]

        init(_ shared: FrontShared, count: Int) throws {
            let group = MultiThreadedEventLoopGroup(numberOfThreads: count)
            var loops: [NIOLoopBound<FrontLoop>] = []
            var sinks: [any AnswerSink] = []
            for (index, eventLoop) in group.makeIterator().enumerated() {
                let loop = try eventLoop.submit {
                    NIOLoopBound(
                        FrontLoop(shared, sinkIndex: Int32(index), eventLoop: eventLoop), eventLoop: eventLoop)
                }.wait()
                loops.append(loop)
                sinks.append(FrontSink(loop, eventLoop: eventLoop))
            }
            self.group = group
            self.loops = loops
            self.sinks = sinks
        }
    }

    /// Opens the door. Throws where the address cannot be bound. `report` hears when connections cannot be accepted.
    init(
        _ loops: Loops, socket: ListeningSocket, tls: FrontTLS, report: @escaping @Sendable (String) -> Void
    ) throws {
        group = loops.group
        self.loops = loops.loops
        let byEventLoop = Dictionary(
            uniqueKeysWithValues: zip(loops.group.makeIterator().map { ObjectIdentifier($0) }, loops.loops))
        let bootstrap = ServerBootstrap(group: loops.group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.socketOption(.init(rawValue: SO_REUSEPORT)), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let acceptGuard = AcceptGuard("ingress.listen", use: .close, report: report)
                    try channel.pipeline.syncOperations.addHandler(acceptGuard)
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // One read for each connection and turn, so that no number of large bodies holds up a small one for long.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let loop = byEventLoop[ObjectIdentifier(channel.eventLoop)] else {
                        preconditionFailure("every event loop of the group has its part of the front door")
                    }
                    let context = tls.context
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    }
                    try channel.pipeline.syncOperations.addHandler(Connection(loop.value, isTLS: context != nil))
                }
            }
        switch socket {
        case .inherited(let descriptor): channel = try bootstrap.withBoundSocket(descriptor).wait()
        case .bind(let host, let port): channel = try bootstrap.bind(host: host, port: port).wait()
        }
    }

    /// The port that is listened on.
    var port: Int { channel.localAddress?.port ?? 0 }

    /// Lets every event loop go by other settings; when it returns, all do. Not for an event loop.
    func take(_ settings: FrontSettings) {
        for loop in loops {
            // A loop that has ended has no requests either.
            try? loop.eventLoop.submit { loop.value.take(settings) }.wait()
        }
    }

    /// Lets nobody in any more, finishes what is open, and closes. Blocks until then; not for an event loop.
    func stop() throws {
        try channel.close().wait()
        let drained = loops.map { loop in
            loop.eventLoop.flatSubmit { loop.value.drain() }
        }
        try EventLoopFuture.andAllComplete(drained, on: group.next()).wait()
        try group.syncShutdownGracefully()
    }
}
