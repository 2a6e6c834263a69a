import NIOCore
import NIOPosix
import Synchronization

/// An HTTP proxy that makes connections (CONNECT), or refuses as the test says.
final class ConnectProxy: Sendable {
    enum Reply: Sendable {
        /// Connects to where it was asked to.
        case connect
        /// Says so and closes.
        case text(String)
        case silence
        case close
    }

    final class Ledger: Sendable {
        private let heads = Mutex<[String]>([])

        func add(_ head: String) { heads.withLock { $0.append(head) } }

        var all: [String] { heads.withLock { $0 } }
    }

    let ledger = Ledger()
    let port: Int
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let channel: any Channel

    init(_ reply: @escaping @Sendable (String) -> Reply = { _ in .connect }) throws {
        let ledger = ledger
        channel = try ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ProxyDoor { head in
                            ledger.add(head)
                            return reply(head)
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        port = channel.localAddress?.port ?? 0
    }

    /// The heads of all requests.
    var heads: [String] { ledger.all }

    func stop() {
        try? channel.close().wait()
        try? group.syncShutdownGracefully()
    }
}

/// Takes everything and says nothing.
final class SilentServer: Sendable {
    let port: Int
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let channel: any Channel

    init() throws {
        channel = try ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).wait()
        port = channel.localAddress?.port ?? 0
    }

    func stop() {
        try? channel.close().wait()
        try? group.syncShutdownGracefully()
    }
}

private final class ProxyDoor: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let reply: (String) -> ConnectProxy.Reply
    private var head = ""
    private var target: (any Channel)?

    init(_ reply: @escaping (String) -> ConnectProxy.Reply) {
        self.reply = reply
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if let target { return target.writeAndFlush(bytes, promise: nil) }
        head += String(buffer: bytes)
        guard head.hasSuffix("\r\n\r\n") else { return }
        switch reply(head) {
        case .silence: break
        case .close: context.close(promise: nil)
        case .text(let text):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            context.close(promise: nil)
        case .connect: connect(context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        target?.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func connect(_ context: ChannelHandlerContext) {
        let authority = head.split(separator: " ")[1].split(separator: ":")
        let back = context.channel
        let connecting = ClientBootstrap(group: context.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(WayBack(back)) }
            }
            .connect(host: String(authority[0]), port: Int(authority[1]) ?? 0)
        connecting.assumeIsolated().whenComplete { result in
            guard case .success(let channel) = result else {
                back.writeAndFlush(ByteBuffer(string: "HTTP/1.1 502 Bad Gateway\r\n\r\n"), promise: nil)
                return back.close(promise: nil)
            }
            self.target = channel
            back.writeAndFlush(
                ByteBuffer(string: "HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n"), promise: nil)
        }
    }
}

private final class WayBack: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let back: any Channel

    init(_ back: any Channel) {
        self.back = back
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        back.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        back.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
