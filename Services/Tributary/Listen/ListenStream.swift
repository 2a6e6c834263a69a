import Executable
import Glibc
import JSON
import NIOCore
import NIOPosix
import StageMetrics
import Threads
import WebSocket

/// Reads the router's stream of events, `tributary.v1` on `/v1/stream`: connects again when it is lost, and goes on behind
/// the last event.
final class ListenStream: Sendable {
    /// The time before another attempt: doubled from the first to the last.
    private static let waitMilliseconds = (first: 200, most: 5_000)

    private let request: WebSocketClient.Request
    private let instance: String
    private let subscription: JSONDocument
    private let session: ListenSession
    private let said: @Sendable (String) -> Void

    /// `subscription`: the `subscribe` message without `from`. `said` is told when a session is lost and when it goes on.
    init(
        _ request: WebSocketClient.Request, instance: String, subscription: JSONDocument, session: ListenSession,
        said: @escaping @Sendable (String) -> Void
    ) {
        var request = request
        request.subprotocols = ["tributary.v1"]
        (self.request, self.instance, self.subscription) = (request, instance, subscription)
        (self.session, self.said) = (session, said)
    }

    /// Reads until something is wrong that does not pass. `start`: where the first session begins. Blocks.
    func run(from start: String) -> StageFailure {
        var wait = Self.waitMilliseconds.first
        var hasBeenOpen = false
        let pause = TimedSemaphore()
        // One of its own: a session that waits for the local server makes its event loop wait.
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        while true {
            let reader = StreamReader(session)
            let reason: String
            do {
                reader.closed = loop.makePromise()
                let channel = try WebSocketClient.connect(request, on: loop) { _ in [reader] }.wait()
                wait = Self.waitMilliseconds.first
                var message = subscription
                message.set(["from"], .string(session.token ?? start))
                channel.writeAndFlush(
                    WebSocketMessage.text(ByteBuffer(bytes: message.value.json.bytes)), promise: nil)
                if hasBeenOpen {
                    said(session.token.map { "the session goes on behind \($0)" } ?? "the session goes on at \(start)")
                }
                hasBeenOpen = true
                session.setStream("connected")
                let closed = try reader.closed!.futureResult.wait()
                if let problem = reader.problem {
                    return StageFailure(.failure, "\(instance) refuses the stream: \(printable(problem))")
                }
                reason = closed.reason.isEmpty ? "closed with \(closed.code.rawValue)" : printable(closed.reason)
            } catch let refusal as WebSocketClient.Refusal where refusal.status < 500 && refusal.status != 429 {
                let detail = JSONValue.read(Array(refusal.body.utf8))?["detail"].text ?? ""
                return StageFailure(.failure, "\(instance) refuses with \(refusal.status): \(printable(detail))")
            } catch {
                guard hasBeenOpen else { return unreachable(error) }
                reason = "\(instance) cannot be reached"
            }
            session.setStream("not connected (\(reason)), trying again")
            said("the session is lost: \(reason); it goes on when the router is back")
            _ = pause.wait(milliseconds: wait)
            wait = min(2 * wait, Self.waitMilliseconds.most)
        }
    }

    private func unreachable(_ error: any Error) -> StageFailure {
        StageFailure(
            .unavailable,
            "\(instance) cannot be reached: \(error); does the router run, and is --api its router.listen?")
    }
}

/// Hands messages of `tributary.v1` to a session, and makes the connection wait while that does.
///
/// `@unchecked Sendable`: `closed` is set before it connects, `problem` is read when that has come.
private final class StreamReader: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = WebSocketMessage

    private let session: ListenSession
    /// What the router said against the subscription; read behind `closed`.
    private(set) var problem: String?
    var closed: EventLoopPromise<WebSocketClosed>?

    init(_ session: ListenSession) {
        self.session = session
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .text(let bytes) = unwrapInboundIn(data),
            let message = JSONValue.read(Array(bytes.readableBytesView))
        else { return }
        switch message["type"].text {
        case "event": if let event = ListenedEvent(message) { session.take(event) }
        case "subscribed", "caught_up": session.advance(to: message["token"].text)
        case "gap":
            session.advance(to: message["token"].text)
            session.setStream("connected; \(printable(message["detail"].text))")
        case "error": problem = "\(message["code"].text): \(message["detail"].text)"
        default: break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? WebSocketClosed { closed?.succeed(event) }
    }
}
