import Glibc
import SeededRandom
import Testing

extension EndToEnd {
    @Suite struct BadInput {
        private let instances = ["ingress-gateway-0", "verifier-0", "normaliser-0", "normaliser-1", "fanout-router-0"]

        @Test func `bad requests get the right answer and code`() throws {
            // A busy machine may not have a verdict within the usual time.
            try Pipeline.with(PipelineSettings(ingress: "verdict_timeout: 3s")) { pipeline in
                try pipeline.waitForVerdicts()
                let before = pipeline.processes().map(\.pid).sorted()
                for (what, request, status, code) in wrongRequests {
                    let reply = try HTTPClient(port: pipeline.port).exchange(request)
                    #expect(reply.status == status, "\(what): \(reply.text)")
                    #expect(reply.text.contains("\"code\":\"\(code)\""), "\(what): \(reply.text)")
                }
                try sendCutOffRequest(pipeline)
                // Refused by verifier or normaliser, so kept; the rest never was a webhook.
                let kept = ["body_not_json", "key_unknown", "signature_malformed", "signature_mismatch"]
                try waitUntil("the refused webhooks are in quarantine") {
                    try Set(pipeline.quarantineCodes()).count >= kept.count
                }
                #expect(try Set(pipeline.quarantineCodes()).sorted() == kept)
                try deliverGoodOne(pipeline, number: 1)
                #expect(pipeline.processes().map(\.pid).sorted() == before, "no process died")
                #expect(try pipeline.events().count == 1)
            }
        }

        private var wrongRequests: [(what: String, request: [UInt8], status: Int, code: String)] {
            let good = String(decoding: SignedWebhook.stream(7), as: UTF8.self)
            func changed(_ old: String, _ new: String) -> [UInt8] {
                guard let range = good.firstRange(of: old) else { return [] }
                return Array((good[..<range.lowerBound] + new + good[range.upperBound...]).utf8)
            }
            func raw(_ text: String) -> [UInt8] { Array(text.utf8) }
            let head = "POST /in/stream HTTP/1.1\r\nHost: a\r\n"
            return [
                ("unknown source", changed("/in/stream", "/in/nobody"), 404, "source_unknown"),
                ("another path", changed("/in/stream", "/elsewhere"), 404, "not_found"),
                ("GET", raw("GET /in/stream HTTP/1.1\r\nHost: a\r\n\r\n"), 405, "method_not_allowed"),
                ("oversized", raw("\(head)Content-Length: 1048577\r\n\r\n"), 413, "body_too_large"),
                (
                    "smuggled: both framings",
                    raw("\(head)Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400,
                    "http_malformed"
                ),
                (
                    "smuggled: two lengths", raw("\(head)Content-Length: 4\r\nContent-Length: 5\r\n\r\n{}{}{"), 400,
                    "http_malformed"
                ),
                (
                    "bare line feed", raw("POST /in/stream HTTP/1.1\nHost: a\nContent-Length: 0\n\n"), 400,
                    "http_malformed"
                ),
                ("folded field", raw("\(head)X-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n"), 400, "http_malformed"),
                ("no HTTP", raw("\u{16}\u{03}\u{01} hello\r\n\r\n"), 400, "http_malformed"),
                (
                    "long request line", raw("POST /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\n\r\n"), 414,
                    "request_line_too_long"
                ),
                (
                    "many fields", raw(head + String(repeating: "X-A: 1\r\n", count: 70) + "Content-Length: 0\r\n\r\n"),
                    431,
                    "head_too_large"
                ),
                ("wrong secret", SignedWebhook.stream(8, secret: "another"), 401, "signature_mismatch"),
                ("mangled signature", changed("X-SIGNATURE: ", "X-SIGNATURE: zz"), 401, "signature_malformed"),
                ("unknown key", changed("X-API-KEY: ", "X-API-KEY: x"), 401, "key_unknown"),
            ]
        }

        /// A body that ends early is no webhook; one that is no JSON is accepted first and refused later.
        private func sendCutOffRequest(_ pipeline: Pipeline) throws {
            do {
                let client = try HTTPClient(port: pipeline.port)
                try client.send(Array(SignedWebhook.stream(9).dropLast(40)))
            }
            let id = SignedWebhook.id(10)
            let reply = try HTTPClient(port: pipeline.port).exchange(
                SignedWebhook.stream(id, body: Array("{\"type\":\"call.created\",".utf8)))
            #expect(reply.status == 202, "\(reply.text)")
        }

        private func deliverGoodOne(_ pipeline: Pipeline, number: Int) throws {
            let reply = try HTTPClient(port: pipeline.port).exchange(SignedWebhook.stream(number))
            #expect(reply.status == 202, "\(reply.text)")
            try waitUntil("a good webhook is delivered") { pipeline.subscriber.hasAll([number]) }
        }

        @Test func `random bytes on every socket kill no process and take no memory`() throws {
            try Pipeline.with { pipeline in
                var generator = SeededGenerator(seed: 7)
                try deliverGoodOne(pipeline, number: 1)
                let before = pipeline.processes().map(\.pid).sorted()
                // The first round warms everything up, so that memory is compared from there on.
                attack(pipeline, &generator, rounds: 10)
                let memory = instances.map(pipeline.residentBytes)
                attack(pipeline, &generator, rounds: 60)
                try deliverGoodOne(pipeline, number: 2)
                let grown = zip(instances.map(pipeline.residentBytes), memory).map { $0 - $1 }
                report("random bytes: resident memory grew by \(grown.map { "\($0 >> 10) KiB" })")
                #expect(grown.allSatisfy { $0 < 24 << 20 })
                #expect(pipeline.processes().map(\.pid).sorted() == before, "no process died")
                #expect(try pipeline.events().count == 2)
                try Promises.checkQuarantineIsEmpty(of: pipeline)
            }
        }

        /// Writes random bytes to the HTTP port and to each Unix socket of the stages: bare, behind a ZMTP greeting,
        /// and behind a complete ZMTP handshake.
        private func attack(_ pipeline: Pipeline, _ generator: inout SeededGenerator, rounds: Int) {
            let endings = [".out", ".control", ".tap", ".admin"]
            let sockets = Files.names(in: pipeline.run).filter { name in endings.contains { name.hasSuffix($0) } }
            #expect(sockets.count > 10)
            for _ in 0..<rounds {
                poke(try? Sockets.connect(port: pipeline.port, timeoutSeconds: 5), generator.bytes(300))
                for name in sockets {
                    let path = "\(pipeline.run)/\(name)"
                    let noise = generator.bytes(Int(generator.next() % 2000) + 1)
                    poke(try? Sockets.connect(path: path, timeoutSeconds: 5), noise)
                    guard !name.hasSuffix(".admin") else { continue }
                    poke(try? Sockets.connect(path: path, timeoutSeconds: 5), ZMTP.greeting + noise)
                    let kinds = name.hasSuffix(".tap") ? ["SUB"] : ["DEALER", "REQ", "SUB"]
                    for kind in kinds {
                        let frames = (0..<3).flatMap { _ in
                            ZMTP.frame(generator.bytes(Int(generator.next() % 200)), hasMore: generator.next() % 2 == 0)
                        }
                        let hello = ZMTP.greeting + ZMTP.ready(kind)
                        poke(try? Sockets.connect(path: path, timeoutSeconds: 5), hello + frames + noise)
                    }
                }
            }
        }

        /// Writes, lets the other side read, and closes.
        private func poke(_ descriptor: Int32?, _ bytes: [UInt8]) {
            guard let descriptor else { return }
            _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            shutdown(descriptor, Int32(SHUT_WR))
            var answer = [UInt8](repeating: 0, count: 512)
            var wait = timeval(tv_sec: 0, tv_usec: 20_000)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
            _ = recv(descriptor, &answer, answer.count, 0)
            close(descriptor)
        }
    }
}

/// As much of ZMTP 3.0 (rfc.zeromq.org/spec/23) as it takes to get behind the handshake.
private enum ZMTP {
    static let greeting: [UInt8] =
        [0xFF] + [UInt8](repeating: 0, count: 8) + [0x7F, 3, 0] + Array("NULL".utf8) + [UInt8](repeating: 0, count: 48)

    /// The READY command of a socket type.
    static func ready(_ kind: String) -> [UInt8] {
        let properties = text("Socket-Type") + [0, 0, 0, UInt8(kind.utf8.count)] + Array(kind.utf8)
        let body = text("READY") + properties
        return [4, UInt8(body.count)] + body
    }

    static func frame(_ bytes: [UInt8], hasMore: Bool) -> [UInt8] {
        [hasMore ? 1 : 0, UInt8(bytes.count)] + bytes
    }

    private static func text(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }
}
