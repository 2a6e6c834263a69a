import CommitLog
import Events
import Glibc
import NIOCore
import NIOEmbedded
import Providers
import StageMetrics
import Wire

@testable import IngressGateway
@testable import WebhookIntake

/// The front door, from the bytes of a connection to the journal and back. Its first byte says how the rest is cut into
/// the pieces that the socket gives.
///
/// However the pieces fall, the client sees the same answers; every webhook that goes to the journal is a whole record
/// and is answered once; and after the client's last byte nothing stays open.
final class FrontFixture: FuzzFixture {
    /// What one run of the connection came to.
    private struct Outcome {
        /// Of the answers, in their order.
        var statuses: [Int] = []
        var webhooks = 0
    }

    private static let journal = JournalID(high: 1, low: 2)
    private let eventLoop = EmbeddedEventLoop()
    private let partition = Partition()
    private let loop: FrontLoop

    init() {
        let registry = MetricRegistry(stage: "ingress-gateway", instance: "fuzz", version: "fuzz")
        loop = FrontLoop(
            FrontShared(
                settings: FrontSettings(limits: Self.limits, sources: Self.sources),
                builder: EnvelopeBuilder(instance: "fuzz"), partitions: [partition],
                metrics: IngressMetrics(registry)), sinkIndex: 0, eventLoop: eventLoop)
    }

    func tryOne(_ input: UnsafeRawBufferPointer) {
        guard let first = input.first else { return }
        let bytes = Array(input.dropFirst())
        let whole = run(bytes, pieceBytes: max(1, bytes.count))
        if first > 0 {
            let cut = run(bytes, pieceBytes: max(Int(first), bytes.count / 32))
            must(
                whole.statuses == cut.statuses,
                "answers do not depend on the pieces: \(whole.statuses), \(cut.statuses)")
        }
    }

    private func run(_ bytes: [UInt8], pieceBytes: Int) -> Outcome {
        let channel = EmbeddedChannel(handler: nil, loop: eventLoop)
        do {
            try channel.pipeline.syncOperations.addHandler(Connection(loop, isTLS: false))
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        } catch {
            fatalError("broken: the pipeline cannot be built: \(error)")
        }
        var outcome = Outcome()
        var sent: [UInt8] = []
        var offset = 0
        while offset < bytes.count, channel.isActive {
            let end = min(bytes.count, offset + pieceBytes)
            feed(bytes[offset..<end], channel)
            offset = end
            outcome.webhooks += answer()
            drain(channel, into: &sent)
        }
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        eventLoop.run()
        drain(channel, into: &sent)
        outcome.statuses = AnswerReading.statuses(sent)
        must(!channel.isActive, "nothing is owed and nothing will come, so the connection is closed")
        must(loop.isEmpty, "a closed connection leaves nothing behind")
        return outcome
    }

    private func feed(_ piece: ArraySlice<UInt8>, _ channel: EmbeddedChannel) {
        channel.pipeline.fireChannelRead(ByteBuffer(bytes: piece))
        channel.pipeline.fireChannelReadComplete()
        eventLoop.run()
    }

    /// Does what journal and bus do: takes what waits, and answers it. Returns how many webhooks that were.
    private func answer() -> Int {
        var answers: [(ReplyToken, Answer)] = []
        for pending in partition.intake.mailbox.take(within: 0).batches {
            check(pending)
            for token in pending.tokens {
                answers.append((token, .accepted(Self.journal, UInt64(answers.count + 1), isVerified: true)))
            }
        }
        loop.deliver(answers)
        eventLoop.run()
        return answers.count
    }

    private func check(_ pending: PendingBatch) {
        pending.records.withBytes { bytes in
            var reader = BatchReader(bytes)
            var count = 0
            while let envelope = try? reader.next() {
                guard let view = try? EnvelopeView(envelope), let webhook = AcceptedWebhook(view) else {
                    fatalError("broken: a webhook on the way to the journal is a whole record")
                }
                must(["stream", "fastpix", "calls"].contains(webhook.source), "a webhook is of a configured source")
                must(webhook.body.count <= Self.limits.bodyBytes, "a body is no larger than is allowed")
                var own: [String] = []
                webhook.head.forEachField { name, value in
                    if name.first == UInt8(ascii: ":") { own.append(String(decoding: name, as: UTF8.self)) }
                    must(!name.isEmpty && !name.contains(0x20) && !name.contains(0), "a field's name is a token")
                    must(!value.contains { $0 < 0x20 && $0 != 9 || $0 == 0x7F }, "a value has no control character")
                    return true
                }
                must(Set(own).count == own.count && Set(own).isSubset(of: Self.own), "no client writes \(own)")
                count += 1
            }
            must(
                count == pending.tokens.count && count == pending.records.count,
                "every webhook has one who waits")
        }
    }

    private func drain(_ channel: EmbeddedChannel, into sent: inout [UInt8]) {
        while let buffer = try? channel.readOutbound(as: ByteBuffer.self) { sent += buffer.readableBytesView }
    }

    /// The fields that the ingress writes itself.
    private static let own: Set<String> = [
        RequestHead.pathToken, RequestHead.endpointPath, RequestHead.query, RequestHead.peer,
    ]

    private static let limits: IngressLimits = {
        var limits = IngressLimits()
        limits.bodyBytes = 2000
        return limits
    }()

    private static let sources = SourceTable([
        SourceRoute(name: "stream", isProbe: nil),
        SourceRoute(name: "fastpix", isProbe: { _, body in body.count == 2 }),
        SourceRoute(
            name: "calls", isProbe: nil, answer: StreamCallsProvider.answer, endpoint: StreamCallsProvider.endpoint,
            bodyBytes: 100),
    ])

    static func seeds() -> [[UInt8]] {
        let good = "POST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
        let chunked =
            "POST /in/stream/t?q=1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "3;x=y\r\nabc\r\n0\r\nX: y\r\n\r\n"
        let texts = [
            good, good + good + good, chunked, chunked + good,
            "POST /in/fastpix HTTP/1.0\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}",
            "GET /in/stream HTTP/1.1\r\nHost: a\r\n\r\n" + good,
            "POST /in/calls/api/v2/video/call/a%20/b/event?api_key=k HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
            "POST /in/calls/api/v2/video/call//b/event HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n{}" + good,
            "POST /in/stream HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}" + good,
            "POST /in/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n{}",
            "POST http://a/in/stream HTTP/1.1\r\nHost: a\r\nConnection: close, x\r\nX: y\r\nContent-Length: 0\r\n\r\n"
                + good,
            "HEAD /in/x HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "OPTIONS /in/stream HTTP/1.1\r\nHost: a\r\nWebHook-Request-Origin: eventemitter.example.com\r\n\r\n" + good,
            "\u{16}\u{3}\u{1}\u{2}",
        ]
        return texts.flatMap { text in [0, 1, 7].map { [$0] + Array(text.utf8) } }
    }
}

/// Reads what the client was sent as a client would.
enum AnswerReading {
    /// The status of every answer; stops the process where the bytes are not whole answers, one after the other.
    static func statuses(_ sent: [UInt8]) -> [Int] {
        var statuses: [Int] = []
        var rest = sent[...]
        var isLast = false
        while !rest.isEmpty {
            must(!isLast, "nothing follows an answer that closes")
            guard let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) else {
                fatalError("broken: an answer has no end of its head")
            }
            let lines = String(decoding: rest[..<end.lowerBound], as: UTF8.self).lowercased().split(separator: "\r\n")
            guard let line = lines.first, line.hasPrefix("http/1.1 "), let status = Int(line.dropFirst(9).prefix(3))
            else {
                fatalError("broken: an answer begins with no status line")
            }
            rest = rest[end.upperBound...]
            if status == 100 { continue }
            statuses.append(status)
            isLast = lines.contains("connection: close")
            // It has no content and no length (RFC 9110, section 8.6).
            if status == 204 { continue }
            guard
                let length = lines.first(where: { $0.hasPrefix("content-length: ") }).flatMap({ Int($0.dropFirst(16)) })
            else { fatalError("broken: an answer has no length") }
            // The answer to HEAD announces a body and has none; the next answer or the end follows at once.
            let hasBody = rest.first == UInt8(ascii: "{")
            if hasBody {
                must(length <= rest.count, "an answer's body is whole")
                rest = rest.dropFirst(length)
            }
        }
        return statuses
    }
}
