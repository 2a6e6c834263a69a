import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Testing

@testable import WebSocket

@Suite struct ConnectionTests {
    /// Keeps what a connection hands on.
    final class Recorder: ChannelInboundHandler, Sendable {
        typealias InboundIn = WebSocketMessage

        let closed: EventLoopPromise<WebSocketClosed>
        let first: EventLoopPromise<WebSocketMessage>

        init(_ loop: any EventLoop) {
            closed = loop.makePromise()
            first = loop.makePromise()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { first.succeed(unwrapInboundIn(data)) }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let event = event as? WebSocketClosed { closed.succeed(event) }
        }
    }

    /// The other side reads nothing until it is told to.
    final class FullSocket: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        private var waiting: [EventLoopPromise<Void>] = []

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            if let promise { waiting.append(promise) }
        }

        func drain() {
            waiting.forEach { $0.succeed() }
            waiting = []
        }
    }

    @Test(arguments: [true, false])
    func `a close frame waits for a client to read what stands before it, then for the client's own`(
        reads: Bool
    ) throws {
        let channel = EmbeddedChannel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        let socket = FullSocket()
        try channel.pipeline.syncOperations.addHandler(socket)
        try WebSocketConnection.addHandlers(
            to: channel, role: .server, limits: WebSocketLimits(messageBytes: 100), then: [])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.triggerUserOutboundEvent(WebSocketClose(.tryAgainLater, "too slow")).wait()
        channel.embeddedEventLoop.advanceTime(by: .seconds(29))
        #expect(channel.isActive)
        if reads {
            socket.drain()
            channel.embeddedEventLoop.advanceTime(by: .seconds(4))
            #expect(channel.isActive, "the client's close frame is awaited")
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        } else {
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            socket.drain()
        }
        #expect(!channel.isActive)
    }

    @Test func `a client that is silent is asked, and left when it does not answer`() throws {
        let channel = try FrameRulesTests.channel(
            limits: WebSocketLimits(messageBytes: 100, pingInterval: .seconds(20)))
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        func pings() throws -> Int {
            var count = 0
            while let part = try channel.readOutbound(as: ByteBuffer.self) {
                if part.getInteger(at: part.readerIndex, as: UInt8.self) == 0x89 { count += 1 }
            }
            return count
        }
        channel.embeddedEventLoop.advanceTime(by: .seconds(20))
        for _ in 0..<3 {
            channel.embeddedEventLoop.advanceTime(by: .seconds(20))
            #expect(try pings() == 1)
            try channel.writeInbound(ByteBuffer(bytes: FrameRulesTests.Frame.pong().bytes))
            channel.embeddedEventLoop.advanceTime(by: .seconds(20))
            #expect(channel.isActive)
            _ = try pings()
        }
        channel.embeddedEventLoop.advanceTime(by: .seconds(40))
        #expect(!channel.isActive)
    }

    @Test func `whoever closes waits for the other side, but not for ever`() throws {
        let channel = try FrameRulesTests.channel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        channel.triggerUserOutboundEvent(
            WebSocketClose(.tryAgainLater, String(repeating: "ü", count: 100)), promise: nil)
        let seen = try FrameRulesTests.read(channel)
        #expect(seen == [.close(1013)])
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(5))
        #expect(!channel.isActive)
    }

    @Test func `nothing is sent behind a close`() throws {
        let channel = try FrameRulesTests.channel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        channel.triggerUserOutboundEvent(WebSocketClose(.goingAway), promise: nil)
        #expect(throws: ChannelError.self) {
            try channel.writeOutbound(WebSocketMessage.text(ByteBuffer(string: "late")))
        }
        #expect(try FrameRulesTests.read(channel) == [.close(1001)])
    }

    @Test func `a client reaches a server, the first message with the answer included, and both close in peace`()
        async throws
    {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let (server, own) = (Recorder(loop), Recorder(loop))
        let limits = WebSocketLimits(messageBytes: 1000)
        let listener = try await ServerBootstrap(group: loop).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                let upgrader = NIOWebSocketServerUpgrader(
                    shouldUpgrade: { channel, _ in
                        channel.eventLoop.makeSucceededFuture(["Sec-WebSocket-Protocol": "tributary.v1"])
                    },
                    upgradePipelineHandler: { channel, _ in
                        channel.eventLoop.makeCompletedFuture {
                            let connection = WebSocketConnection(role: .server, limits: limits)
                            try channel.pipeline.syncOperations.addHandlers([connection, server])
                            channel.writeAndFlush(WebSocketMessage.text(ByteBuffer(string: "welcome")), promise: nil)
                        }
                    })
                try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                    withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
            }
        }.bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        var request = WebSocketClient.Request(
            place: .tcp(host: "127.0.0.1", port: port), host: "127.0.0.1:\(port)", target: "/", limits: limits)
        request.subprotocols = ["tributary.v1"]
        let channel = try await WebSocketClient.connect(request, on: loop) { _ in [own] }.get()
        #expect(try await own.first.futureResult.get() == .text(ByteBuffer(string: "welcome")))
        try await channel.writeAndFlush(WebSocketMessage.binary(ByteBuffer(string: "hello")))
        #expect(try await server.first.futureResult.get() == .binary(ByteBuffer(string: "hello")))
        try await channel.triggerUserOutboundEvent(WebSocketClose(.normal, "bye")).get()
        #expect(
            try await server.closed.futureResult.get() == WebSocketClosed(code: .normal, reason: "bye", isLocal: false))
        try await channel.closeFuture.get()
        #expect(try await own.closed.futureResult.get() == WebSocketClosed(code: .normal, reason: "bye", isLocal: true))
        try await listener.close()
    }

    @Test func `a refusal has its status and its body`() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        final class Refuser: ChannelInboundHandler, Sendable {
            typealias InboundIn = HTTPServerRequestPart
            typealias OutboundOut = HTTPServerResponsePart
            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                guard case .end = unwrapInboundIn(data) else { return }
                let head = HTTPResponseHead(version: .http1_1, status: .unauthorized, headers: ["content-length": "2"])
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "no")))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
        let listener = try await ServerBootstrap(group: loop).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                try channel.pipeline.syncOperations.addHandler(Refuser())
            }
        }.bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        let request = WebSocketClient.Request(
            place: .tcp(host: "127.0.0.1", port: port), host: "h", target: "/x",
            limits: WebSocketLimits(messageBytes: 10))
        await #expect(throws: WebSocketClient.Refusal(status: 401, body: "no")) {
            try await WebSocketClient.connect(request, on: loop) { _ in [] }.get()
        }
        try await listener.close()
    }
}
