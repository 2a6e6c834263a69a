import Glibc
import HTTPFront
import NIOCore
import NIOPosix
import NIOSSL

/// The HTTP server: listening socket, event loops and their connections.
final class FrontDoor: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let loops: [NIOLoopBound<FrontLoop>]
    private let acceptor: Acceptor

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
        acceptor = try Acceptor(
            socket, "ingress.listen", backlog: 1024, use: .close, group: loops.group,
            prepare: { channel in
                guard let loop = byEventLoop[ObjectIdentifier(channel.eventLoop)] else {
                    preconditionFailure("every event loop of the group has its part of the front door")
                }
                try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
                try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
                // One read for each connection and turn, so that no number of large bodies holds up a small one for long.
                try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
                let context = tls.context
                if let context {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                }
                try channel.pipeline.syncOperations.addHandler(Connection(loop.value, isTLS: context != nil))
            }, report: report)
    }

    /// The port that is listened on.
    var port: Int { acceptor.port ?? 0 }

    /// Lets every event loop go by other settings; when it returns, all do. Not for an event loop.
    func take(_ settings: FrontSettings) {
        for loop in loops {
            // A loop that has ended has no requests either.
            try? loop.eventLoop.submit { loop.value.take(settings) }.wait()
        }
    }

    /// Lets nobody in any more, finishes what is open, and closes. Blocks until then; not for an event loop.
    func stop() throws {
        acceptor.stop()
        let drained = loops.map { loop in
            loop.eventLoop.flatSubmit { loop.value.drain() }
        }
        try EventLoopFuture.andAllComplete(drained, on: group.next()).wait()
        try group.syncShutdownGracefully()
    }
}
