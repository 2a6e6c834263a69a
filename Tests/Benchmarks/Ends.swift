import Events
import HTTPFront
import NIOCore
import Primitives
import Providers
import Verification
import VerificationSchemes
import Wire

/// Something that is done again and again, and counted.
struct Benchmark {
    let name: String
    /// Figures are per element.
    var elements = 1
    /// Whether it takes so long that a few times are enough.
    var isLarge = false
    /// Returns what is done.
    let prepare: () -> () -> Void

    /// Every one, in the order of the table.
    static func all() -> [Benchmark] {
        Cases.all().map { each in
            Benchmark(name: each.name, elements: each.elements, isLarge: each.isLarge) {
                let way = WayThroughStages(each)
                return { way.go() }
            }
        } + Ends.all() + [
            Benchmark(name: "tap", prepare: Tap.printing),
            Benchmark(name: "log append", elements: Journaling.webhooks, prepare: Journaling.append),
        ]
    }
}

/// The HTTP ends of the way, without sockets: what the ingress reads of a webhook, and what the router writes and reads of
/// a delivery.
enum Ends {
    static func all() -> [Benchmark] {
        [
            Benchmark(name: "request read", prepare: request), Benchmark(name: "event rendered", prepare: rendering),
            Benchmark(name: "delivery signed", prepare: signature), Benchmark(name: "answer read", prepare: answer),
        ]
    }

    /// A webhook of Stream as it comes from a socket: head, body and end, and its head as its envelope has it.
    private static func request() -> () -> Void {
        let body = Cases.streamBody
        let head = """
            POST /in/stream HTTP/1.1\r
            Host: gateway.example.com\r
            Content-Type: application/json\r
            Content-Length: \(body.count)\r
            User-Agent: GetStream-Webhook/1.0\r
            X-API-KEY: k3ytest123abc\r
            X-WEBHOOK-ATTEMPT: 1\r
            X-WEBHOOK-ID: 5d5c1f0e-6a0e-4f0e-9a55-0f6f0c9b6d11\r
            X-SIGNATURE: \(String(repeating: "0123456789abcdef", count: 4))\r
            \r

            """
        let bytes = ByteBuffer(bytes: Array(head.utf8) + body)
        var parser = RequestParser(limits: HeadLimits())
        var writer = ByteWriter(reservingBytes: 4096)
        return {
            writer.bytes.removeAll(keepingCapacity: true)
            var kept = RequestHeadWriter(to: &writer)
            var isWhole = false
            parser.append(bytes)
            while let part = parser.next() {
                switch part {
                case .head(let head, _): head.forEachField { kept.field($0, $1, to: &writer) }
                case .body: break
                case .end: isWhole = true
                case .refused(let refusal): fatalError("the request was refused: \(refusal.sentence)")
                }
            }
            kept.end(in: &writer)
            precondition(isWhole && writer.count > 250, "the request is whole")
        }
    }

    /// The event of that webhook as CloudEvents JSON.
    private static func rendering() -> () -> Void {
        guard let stream = Cases.all().first(where: { $0.name == "stream" }) else {
            preconditionFailure("there is a case of that name")
        }
        let way = WayThroughStages(stream)
        way.go()
        let record = way.record
        var writer = ByteWriter(reservingBytes: 4096)
        return {
            writer.bytes.removeAll(keepingCapacity: true)
            record.withUnsafeBytes { record in
                guard let envelope = try? EnvelopeView(record) else { return }
                try? envelope.forEachEvent { event in
                    CloudEventsJSON.render(
                        attributes: event.attributeBytes, payload: event.payload,
                        receivedAtNanoseconds: envelope.receivedAtNanoseconds, position: 1_000_000, to: &writer)
                }
            }
            precondition(writer.count > Cases.streamBody.count, "an event was rendered")
        }
    }

    /// A delivery of 1.3 kB, signed by Standard Webhooks.
    private static func signature() -> () -> Void {
        guard case .signature(let scheme)? = SchemePresets.scheme(named: "standard-webhooks")?.proof,
            let signer = RequestSigner(scheme, keys: [.shared(Array("0123456789abcdef0123456789abcdef".utf8))])
        else { preconditionFailure("there is a scheme of that name") }
        let body = [UInt8](repeating: UInt8(ascii: "a"), count: 1300)
        let (id, time) = (Array("evt_0123456789abcdef_1000000".utf8), Array("1767225600".utf8))
        return {
            var bytes = 0
            body.withUnsafeBytes { body in
                signer.sign({ $0(body) }, timestamp: time) { _, content in
                    content += id
                } each: { _, value in
                    bytes += value.count
                }
            }
            precondition(bytes > 40, "the delivery was signed")
        }
    }

    /// What a subscriber answers.
    private static func answer() -> () -> Void {
        let bytes =
            Array(
                "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: text/plain\r\n"
                    .utf8) + Array("Content-Length: 2\r\nConnection: keep-alive\r\n\r\nok".utf8)
        return {
            var reader = ResponseReader()
            bytes.withUnsafeBytes { bytes in try? reader.read(bytes) { _ in } }
            precondition(reader.isReusable, "the answer is whole")
        }
    }
}
