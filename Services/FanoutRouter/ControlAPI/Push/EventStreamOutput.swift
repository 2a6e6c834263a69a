import EventDelivery
import NIOCore
import NIOHTTP1

/// A stream of server-sent events (WHATWG HTML, section 9.2): `id` is the position token, `event` the type, `data` the
/// CloudEvents JSON; `gap` and `caught_up` are events of their own. Belongs to its connection's event loop.
final class EventStreamOutput: WatcherOutput {
    /// Without a blank line, which some clients take for an event without data.
    private static let comment = ":\n"

    private let context: ChannelHandlerContext
    private let service: PushService
    private var watcher: Watcher?
    private var isEnded = false
    private var ticker: RepeatedTask?

    init(_ context: ChannelHandlerContext, _ service: PushService) {
        (self.context, self.service) = (context, service)
    }

    private var hub: PushHub { service.hub.value }

    /// Sends the head, then events. `problem` is told where nothing more can be watched; no head has gone out then.
    func start(_ query: WatchQuery, head: HTTPHeaders, problem: @escaping (APIProblem) -> Void) {
        hub.add(query.filter, from: query.start ?? .latest, output: self) { [self] watcher in
            guard let watcher else {
                isEnded = true
                return problem(
                    APIProblem(
                        .unavailable, "too many watch already, or the router stops; try again",
                        fields: [("retry-after", "1")]))
            }
            guard !isEnded else { return hub.remove(watcher) }
            self.watcher = watcher
            let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: head)
            context.write(NIOAny(HTTPServerResponsePart.head(head)), promise: nil)
            // Browsers show a stream as open when its first bytes are here.
            send(Self.comment)
            context.flush()
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            let ping = service.ping
            ticker = context.eventLoop.scheduleRepeatedTask(initialDelay: ping, delay: ping) { _ in bound.value.ping() }
        }
    }

    /// The connection takes something again.
    func resume() {
        if let watcher { hub.resume(watcher) }
    }

    /// The connection is gone.
    func stop() {
        isEnded = true
        ticker?.cancel()
        if let watcher { hub.remove(watcher) }
        watcher = nil
    }

    var isWritable: Bool { context.channel.isWritable }

    func write(_ event: WatchedEvent) {
        var buffer = ByteBuffer()
        let json = event.json
        buffer.reserveCapacity(json.count + 256)
        buffer.writeString("id: \(hub.token(event.position))\nevent: ")
        // A type is a word of the vocabulary or of a sender: never a line end.
        buffer.writeString(event.type.filter { $0 != "\n" && $0 != "\r" && $0 != "\r\n" })
        buffer.writeStaticString("\ndata: ")
        json.forEachPart { Self.append(lines: $0, to: &buffer) }
        buffer.writeStaticString("\n\n")
        send(buffer)
    }

    func writeGap(_ gap: WatchGap) {
        guard let watcher else { return }
        let token = gap.positions.map { hub.token($0.upperBound) } ?? hub.token(of: watcher)
        send("id: \(token)\nevent: gap\ndata: {\"detail\":\"\(gap.sentence)\",\"token\":\"\(token)\"}\n\n")
    }

    func writeCaughtUp() { send("id: \(hub.headToken)\nevent: caught_up\ndata: {\"token\":\"\(hub.headToken)\"}\n\n") }

    func flush() { context.flush() }

    func close(_ reason: WatchEnd) {
        stop()
        context.writeAndFlush(NIOAny(HTTPServerResponsePart.end(nil)), promise: nil)
        if reason == .tooSlow { context.close(promise: nil) }
    }

    private func ping() {
        guard isWritable else { return }
        send(Self.comment)
        context.flush()
    }

    private func send(_ text: String) { send(ByteBuffer(string: text)) }

    private func send(_ buffer: ByteBuffer) {
        context.write(NIOAny(HTTPServerResponsePart.body(.byteBuffer(buffer))), promise: nil)
    }

    /// Line ends are blanks of JSON; each begins another line of `data`.
    private static func append(lines json: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        var rest = json[...]
        while let end = rest.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) {
            buffer.writeBytes(rest[..<end])
            buffer.writeStaticString("\ndata: ")
            rest = rest[(end + 1)...]
        }
        buffer.writeBytes(rest)
    }
}
