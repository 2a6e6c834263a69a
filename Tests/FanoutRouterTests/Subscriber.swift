import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// A subscriber on a loopback port that answers as the test says and remembers what it got.
final class Subscriber: Sendable {
    struct Request: Sendable {
        var head: HTTPRequestHead
        var body: [UInt8]

        func header(_ name: String) -> String? { head.headers.first(name: name) }

        var text: String { String(decoding: body, as: UTF8.self) }

        /// The log position, taken from the end of `webhook-id`.
        var position: UInt64 { header("webhook-id")?.split(separator: "_").last.flatMap { UInt64($0) } ?? 0 }
    }

    enum Answer: Sendable {
        case status(Int, [(String, String)] = [])
        /// The same, after a while.
        case delayed(Int, TimeAmount)
        /// The same, as soon as that holds.
        case held(Int, until: @Sendable () -> Bool)
        /// Takes the request and says nothing.
        case silence
        /// Closes without an answer.
        case close
        /// Answers 200 and closes without saying so beforehand.
        case answerAndClose
        /// Not HTTP.
        case garbage
        /// 200 with a body of that many bytes.
        case large(Int)
        case text(Int, String)
    }

    /// What was received, shared with the connections.
    final class Ledger: Sendable {
        private let requests = Mutex<[Request]>([])
        let connections = Atomic<Int>(0)

        /// Adds a request and returns its number, from 1.
        func add(_ request: Request) -> Int {
            requests.withLock {
                $0.append(request)
                return $0.count
            }
        }

        var connectionCount: Int { connections.load(ordering: .relaxed) }

        var all: [Request] { requests.withLock { $0 } }
    }

    let ledger = Ledger()
    let port: Int
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let channel: any Channel

    init(
        host: String = "127.0.0.1", port: Int = 0, tls: NIOSSLContext? = nil,
        _ answer: @escaping @Sendable (Int, Request) -> Answer
    ) throws {
        let ledger = ledger
        channel = try ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                ledger.connections.add(1, ordering: .relaxed)
                return channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    try pipeline.addHandler(HTTPResponseEncoder())
                    try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
                    try pipeline.addHandler(SubscriberConnection { answer(ledger.add($0), $0) })
                }
            }
            .bind(host: host, port: port).wait()
        self.port = channel.localAddress?.port ?? 0
    }

    var url: String { "http://127.0.0.1:\(port)/events" }

    /// Waits until that many requests came; returns them.
    func wait(for count: Int) async throws -> [Request] {
        try await eventually { self.ledger.all.count >= count }
        return ledger.all
    }

    func stop() {
        try? channel.close().wait()
        try? group.syncShutdownGracefully()
    }
}

/// One connection of the subscriber.
private final class SubscriberConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answer: (Subscriber.Request) -> Subscriber.Answer
    private var request: Subscriber.Request?

    init(_ answer: @escaping (Subscriber.Request) -> Subscriber.Answer) {
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data part: NIOAny) {
        switch unwrapInboundIn(part) {
        case .head(let head): request = Subscriber.Request(head: head, body: [])
        case .body(let bytes): request?.body += Array(bytes.readableBytesView)
        case .end:
            guard let request else { return }
            respond(answer(request), context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func respond(_ answer: Subscriber.Answer, _ context: ChannelHandlerContext) {
        switch answer {
        case .silence: break
        case .close: context.close(promise: nil)
        case .garbage:
            // Past the encoder, straight to the socket.
            context.pipeline.context(handlerType: HTTPResponseEncoder.self).assumeIsolated().whenSuccess { encoder in
                encoder.writeAndFlush(NIOAny(ByteBuffer(string: "220 smtp.example ESMTP\r\n\r\n")), promise: nil)
            }
        case .status(let status, let headers): write(status, headers, 2, context)
        case .delayed(let status, let wait):
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: wait) { bound.value.0.write(status, [], 2, bound.value.1) }
        case .held(let status, let isOver):
            guard !isOver() else { return write(status, [], 2, context) }
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: .milliseconds(2)) { bound.value.0.respond(answer, bound.value.1) }
        case .answerAndClose:
            write(200, [], 2, context)
            context.close(promise: nil)
        case .large(let bytes): write(200, [], bytes, context)
        case .text(let status, let text): write(status, [], text, context)
        }
    }

    private func write(_ status: Int, _ extra: [(String, String)], _ bytes: Int, _ context: ChannelHandlerContext) {
        write(status, extra, String(repeating: " ", count: status == 204 ? 0 : bytes), context)
    }

    private func write(_ status: Int, _ extra: [(String, String)], _ text: String, _ context: ChannelHandlerContext) {
        let body = ByteBuffer(string: text)
        let headers = HTTPHeaders((status == 204 ? [] : [("content-length", String(body.readableBytes))]) + extra)
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}

/// How long a test waits for what must come: it ends only tests that fail, so it is far more than a busy machine needs.
let patience = Duration.seconds(180)

/// Waits until `condition` holds, which must be something that stays.
func eventually(_ condition: () throws -> Bool) async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + patience
    while try !condition() {
        guard clock.now < deadline else { throw NotInTime() }
        try await clock.sleep(for: .milliseconds(2))
    }
}

struct NotInTime: Error {}
