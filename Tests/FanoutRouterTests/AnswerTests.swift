import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import EventDelivery

/// Answers as bytes, over real sockets.
@Suite struct AnswerTests {
    /// Answers each request with the bytes that the test says, by the connection's number and the request's on it.
    final class Scripted: Sendable {
        let port: Int
        private let connections = Count()
        private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        private let channel: any Channel

        /// One that reads nothing answers each connection at once.
        init(reads: Bool = true, _ answer: @escaping @Sendable (_ connection: Int, _ request: Int) -> String) throws {
            let connections = connections
            channel = try ServerBootstrap(group: group)
                .childChannelOption(.autoRead, value: reads)
                .childChannelInitializer { channel in
                    let number = connections.value.add(1, ordering: .relaxed).newValue
                    return channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            ScriptedConnection(answersAtOnce: !reads) { answer(number, $0) })
                    }
                }
                .bind(host: "127.0.0.1", port: 0).wait()
            port = channel.localAddress?.port ?? 0
        }

        var connectionCount: Int { connections.value.load(ordering: .relaxed) }
        var url: String { "http://127.0.0.1:\(port)/" }

        func stop() { try? group.syncShutdownGracefully() }

        private final class Count: Sendable {
            let value = Atomic<Int>(0)
        }

        private final class ScriptedConnection: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            private let answersAtOnce: Bool
            private let answer: (Int) -> String
            private var requests = 0

            init(answersAtOnce: Bool, _ answer: @escaping (Int) -> String) {
                (self.answersAtOnce, self.answer) = (answersAtOnce, answer)
            }

            func channelActive(context: ChannelHandlerContext) {
                if answersAtOnce { context.writeAndFlush(NIOAny(ByteBuffer(string: answer(1))), promise: nil) }
            }

            /// Requests of these tests are so small that each comes at once.
            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                requests += 1
                context.writeAndFlush(NIOAny(ByteBuffer(string: answer(requests))), promise: nil)
            }
        }
    }

    private static let fine = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"

    private func outcomes(_ count: Int, of server: Scripted) throws -> [AttemptOutcome] {
        let fixture = try EgressFixture(server.url, allow: ["127.0.0.0/8"])
        defer { fixture.stop() }
        return try (0..<count).map { _ in try fixture.send().outcome }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\ncontent-length: 0\n\n", "HTTP/1.1 200 OK\r\ncontent-length: 0, 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nnonsense\r\ncontent-length: 0\r\n\r\n",
    ])
    func `a success that is framed doubtfully counts, and its connection takes no other request`(
        answer: String
    ) throws {
        let server = try Scripted { _, _ in answer }
        #expect(try outcomes(2, of: server).map(\.word) == ["delivered", "delivered"])
        #expect(server.connectionCount == 2)
        server.stop()
    }

    @Test func `a success whose body drips counts when its head is here`() throws {
        let server = try Scripted { _, _ in "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome" }
        #expect(try outcomes(2, of: server).map(\.word) == ["delivered", "delivered"])
        #expect(server.connectionCount == 2)
        server.stop()
    }

    @Test func `a 408 that nobody asked for ends an idle connection and is no attempt`() throws {
        let early = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        // Behind an answer, and in place of the second one, as when both cross.
        for (first, second) in [(Self.fine + early, Self.fine), (Self.fine, early)] {
            let server = try Scripted { connection, request in
                connection > 1 ? Self.fine : request == 1 ? first : second
            }
            #expect(try outcomes(3, of: server).map(\.word) == ["delivered", "delivered", "delivered"])
            server.stop()
        }
        let refusing = try Scripted { _, _ in early }
        #expect(try outcomes(1, of: refusing).map(\.status) == [408], "it is the answer of a request")
        refusing.stop()
    }

    @Test func `a 408 that leaves its connection open is an answer, though its body comes later`() throws {
        let real = "HTTP/1.1 408 Request Timeout\r\ncontent-length: 9\r\n\r\nhalf"
        let server = try Scripted { connection, request in connection == 1 && request == 2 ? real : Self.fine }
        #expect(try outcomes(2, of: server).map(\.status) == [200, 408])
        #expect(server.connectionCount == 1)
        server.stop()
    }

    @Test func `a connection whose request was answered before it was sent takes no other`() throws {
        let server = try Scripted(reads: false) { _, _ in Self.fine }
        let fixture = try EgressFixture(server.url, allow: ["127.0.0.0/8"])
        // More than the buffers of two sockets hold.
        let body = ByteBuffer(repeating: 0x20, count: 32 << 20)
        for _ in 0..<2 { #expect(try fixture.begin(body: body).wait().outcome.word == "delivered") }
        #expect(server.connectionCount == 2)
        fixture.stop()
        server.stop()
    }
}
