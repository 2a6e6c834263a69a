import Events
import HTTPFront
import NIOCore
import StageMetrics
import Wire

/// A request that is complete.
struct AcceptedRequest {
    var head: ReceivedHead
    var facts: HeadFacts
    var target: SourceTable.Target
    /// The address of the client as text; nil where the connection has none.
    var peer: String?
    var body: ByteBuffer?
    /// Nanoseconds since 1970.
    var receivedAtNanoseconds: Int64
}

/// Writes requests as envelopes: the way's first step, from HTTP to `AcceptedWebhook`.
///
/// Next: `Shared/WebhookIntake/JournalThread.swift`.
struct EnvelopeBuilder: Sendable {
    let instance: String
    /// The share of webhooks without a trace context that get one here.
    var startedTraces = 0.0

    /// Where the content of two sections lies in what was written.
    struct Parts {
        var head = 0..<0
        var body = 0..<0
    }

    /// Appends the request's envelope without sequence, with a copy of the body.
    @discardableResult
    func append(_ request: AcceptedRequest, to writer: inout ByteWriter) -> Parts {
        var parts = Parts()
        request.target.source.nameBytes.withUnsafeBytes { source in
            writer.openEnvelope(source: source, receivedAtNanoseconds: request.receivedAtNanoseconds) { writer in
                let head = writer.count + EnvelopeLayout.sectionHeadBytes
                writer.section(.requestHead) { appendHead(request, to: &$0) }
                parts.head = head..<writer.count
                let body = writer.count + EnvelopeLayout.sectionHeadBytes
                if let content = request.body {
                    content.withUnsafeReadableBytes { writer.section(.body, $0) }
                } else {
                    writer.section(.body, UnsafeRawBufferPointer(start: nil, count: 0))
                }
                parts.body = body..<writer.count
                if request.facts.hasTraceContext || startedTraces > 0 {
                    TraceContext.write(
                        request.head.values("traceparent").first, startingShare: startedTraces, to: &writer)
                }
                appendStamp(startedNanoseconds: request.receivedAtNanoseconds, to: &writer)
            }
        }
        return parts
    }

    /// The ingress' own time stamp; it ends before the journal, whose time shows as the verifier's beginning.
    func appendStamp(startedNanoseconds: Int64?, to writer: inout ByteWriter) {
        let now = wallNanoseconds()
        let stamp = StageStamp(
            stage: .ingress, instance: instance, startedNanoseconds: startedNanoseconds ?? now,
            finishedNanoseconds: now)
        stamp.write(to: &writer)
    }

    private func appendHead(_ request: AcceptedRequest, to writer: inout ByteWriter) {
        var head = RequestHeadWriter(to: &writer)
        func add(_ name: String, _ place: Range<Int>?) {
            guard let place else { return }
            var name = name
            request.head.withTarget { target in
                let value = UnsafeRawBufferPointer(rebasing: target[place])
                name.withUTF8 { head.field(UnsafeRawBufferPointer($0), value, to: &writer) }
            }
        }
        add(RequestHead.pathToken, request.target.token)
        add(RequestHead.endpointPath, request.target.path)
        add(RequestHead.query, request.target.query)
        if let peer = request.peer { head.field(RequestHead.peer, peer, to: &writer) }
        let hopNames = request.facts.connectionNames
        request.head.forEachField { name, value in
            head.field(name, value, to: &writer) { lowerCase in
                Self.staysHere(lowerCase)
                    || (!hopNames.isEmpty && hopNames.contains(String(decoding: lowerCase, as: UTF8.self)))
            }
        }
        head.end(in: &writer)
    }

    /// Fields that concern this connection alone, its framing, or a browser's session with this host. The parser lets no
    /// name begin with a colon; should it ever, the name would be taken for one that the ingress wrote.
    private static func staysHere(_ name: UnsafeRawBufferPointer) -> Bool {
        if name.first == UInt8(ascii: ":") { return true }
        let names: StaticString
        switch name.count {
        case 2: names = "te"
        case 6: return name.equals("cookie") || name.equals("expect")
        case 7: return name.equals("trailer") || name.equals("upgrade")
        case 10: return name.equals("connection") || name.equals("keep-alive")
        case 14: names = "content-length"
        case 16: names = "proxy-connection"
        case 17: names = "transfer-encoding"
        case 18: names = "proxy-authenticate"
        case 19: names = "proxy-authorization"
        default: return false
        }
        return name.equals(names)
    }
}
