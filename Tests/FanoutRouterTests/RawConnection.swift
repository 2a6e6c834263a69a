import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A TCP connection of a test, with TLS or without, on which it says what it likes.
final class RawConnection: Sendable {
    private final class Seen: Sendable {
        let text = Mutex("")
        let isClosed = Mutex(false)
    }

    private let seen = Seen()
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let channel: any Channel

    /// With `tls` the server must prove to be `localhost`. `from` is the own address.
    init(port: Int, tls: NIOSSLContext? = nil, from own: String = "127.0.0.1") throws {
        channel = try ClientBootstrap(group: group)
            .bind(to: SocketAddress(ipAddress: own, port: 0))
            .channelInitializer { [seen] channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
                    }
                    try pipeline.addHandler(Listening(seen))
                }
            }
            .connect(host: "127.0.0.1", port: port).wait()
    }

    deinit {
        try? channel.close().wait()
        try? group.syncShutdownGracefully()
    }

    /// What came so far.
    var text: String { seen.text.withLock { $0 } }
    /// Whether the server closed it, or TLS failed.
    var isClosed: Bool { seen.isClosed.withLock { $0 } }

    func send(_ text: String) {
        try? channel.writeAndFlush(ByteBuffer(string: text)).wait()
    }

    /// Says that nothing more comes; what the server sends still arrives.
    func endSending() {
        try? channel.close(mode: .output).wait()
    }

    /// Sends a request without a body and waits for the status of its answer.
    func get(_ target: String, fields: String = "") async throws -> Int {
        let before = text.utf8.count
        send("GET \(target) HTTP/1.1\r\nhost: localhost\r\n\(fields)\r\n")
        try await eventually { self.isClosed || self.text.utf8.count > before }
        return Self.status(text.dropFirst(before)) ?? 0
    }

    static func status(_ text: Substring) -> Int? {
        let words = text.split(separator: " ", maxSplits: 2)
        return words.count > 1 ? Int(words[1]) : nil
    }

    private final class Listening: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let seen: Seen

        init(_ seen: Seen) {
            self.seen = seen
        }

        func channelRead(context: ChannelHandlerContext, data part: NIOAny) {
            let bytes = unwrapInboundIn(part)
            seen.text.withLock { $0 += String(buffer: bytes) }
        }

        func channelInactive(context: ChannelHandlerContext) {
            seen.isClosed.withLock { $0 = true }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
