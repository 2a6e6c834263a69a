import CNIOLinux
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import HTTPFront

/// Connections over real sockets.
@Suite struct FrontConnectionTests {
    /// Refuses every request as soon as its head is there, and says that this was the last answer.
    private final class Refuser: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .head = unwrapInboundIn(data) else { return }
            let head = HTTPResponseHead(
                version: .http1_1, status: .payloadTooLarge,
                headers: ["Content-Length": "0", "Connection": "close"])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }

    private func serving(linger: TimeAmount, _ body: (Int32) -> Void) throws {
        var rules = FrontConnection.Rules(
            limits: .api, mostConnections: 8, mostPerClient: 8, headDeadline: .hours(1), trustedDeadline: .hours(1),
            trustsFirstHead: true
        ) { _ in ("text/plain", []) }
        rules.linger = linger
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let server = try ServerBootstrap(group: group)
            .childChannelInitializer { [rules] channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandlers(HTTPResponseEncoder(), FrontConnection(rules), Refuser())
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        let connected = try #require(server.localAddress).withSockAddr { connect(client, $0, socklen_t($1)) }
        try #require(connected == 0)
        body(client)
    }

    /// What comes until the other side ends.
    private func readToEnd(_ client: Int32) -> (text: String, result: Int) {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(client, &part, part.count, 0)
            guard count > 0 else { return (String(decoding: bytes, as: UTF8.self), count) }
            bytes += part[..<count]
        }
    }

    private func send(_ client: Int32, _ text: String) -> Bool {
        Glibc.send(client, text, text.utf8.count, Int32(MSG_NOSIGNAL)) == text.utf8.count
    }

    private let head = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n"

    @Test func `after an answer that closes, whoever is still sending is read and not reset`() throws {
        try serving(linger: .hours(1)) { client in
            #expect(send(client, head + "a"))
            let answer = readToEnd(client)
            #expect(answer.text.hasPrefix("HTTP/1.1 413 "))
            #expect(answer.result == 0, "the answer and the end of it, without a reset")
            for _ in 0..<10 { #expect(send(client, String(repeating: "b", count: 10_000))) }
            // A reset would have come with the acknowledgement of the first of these.
            var (error, size) = (Int32(0), socklen_t(4))
            #expect(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
        }
    }

    @Test func `whoever goes on sending for ever is cut off`() throws {
        try serving(linger: .milliseconds(100)) { client in
            #expect(send(client, head))
            #expect(readToEnd(client).text.hasPrefix("HTTP/1.1 413 "))
            while send(client, "b") { sched_yield() }
        }
    }
}
