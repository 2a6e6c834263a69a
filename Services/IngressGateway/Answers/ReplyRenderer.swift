import HTTPFront
import NIOCore
import Providers
import StageMetrics
import Wire

/// Writes answers as HTTP/1.1 bytes. One per event loop; the parts that hardly change are kept.
struct ReplyRenderer {
    /// How the connection wants its answer.
    struct Options {
        var closes = false
        /// HTTP/1.0 needs to be told that the connection stays open.
        var isVersion10 = false
        /// The answer to HEAD has no body.
        var omitsBody = false
        /// Whose provider may want answers of its own.
        private var source: SourceRoute?
        /// Since when the sender waits, on the monotonic clock.
        var startedNanoseconds: Int64 = 0

        init(closes: Bool = false, isVersion10: Bool = false, omitsBody: Bool = false, startedNanoseconds: Int64) {
            self.closes = closes
            self.isVersion10 = isVersion10
            self.omitsBody = omitsBody
            self.startedNanoseconds = startedNanoseconds
        }

        /// What the sender takes as success; nil: 202 with the webhook's id.
        var success: SuccessAnswer? { source?.answer }
        /// Whose refusals are in its provider's shape.
        var endpoint: ProviderEndpoint? { source?.endpoint }

        /// What the target's provider wants to be answered; throws where the target does not take the request.
        mutating func take(_ target: SourceTable.Target, _ head: ReceivedHead) throws(Refusal) {
            source = target.source
            try target.checkPath(in: head)
        }

        var duration: String {
            let hundredths = (monotonicNanoseconds() - startedNanoseconds) / 10_000
            return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)ms"
        }
    }

    static let goOn: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"

    private var journal: JournalID?
    private var idPrefix: [UInt8] = []
    private var date: [UInt8] = []

    init() {
        refreshDate()
    }

    /// Sets the `Date` field to now; called once per sweep.
    mutating func refreshDate() {
        date = Array("Date: \(HTTPDate.text())\r\n".utf8)
    }

    mutating func write(_ answer: Answer, _ options: Options, to buffer: inout ByteBuffer) {
        switch answer {
        case .accepted(let journal, let sequence, _):
            if let success = options.success {
                return writeSuccess(success, "\(journal)-\(sequence)", options, to: &buffer)
            }
            writeID(journal, sequence, options, to: &buffer)
        case .judged(let verdict, _, _) where options.endpoint != nil && !verdict.code.isEmpty:
            writeRefusal(
                Refusal(status: Int(verdict.httpStatus), code: verdict.code, detail: Self.quarantined), options,
                to: &buffer)
        case .judged(let verdict, let journal, let sequence) where verdict.reply.isEmpty && verdict.code.isEmpty:
            writeID(journal, sequence, status: Int(verdict.httpStatus), options, to: &buffer)
        case .judged(let verdict, _, _):
            let body = verdict.reply.isEmpty ? Self.errorBody(verdict.code, Self.quarantined) : verdict.reply
            let isJSON = body.first.map { "{[\"".utf8.contains($0) } ?? true
            writeHead(Int(verdict.httpStatus), json: isJSON, bodyBytes: body.count, options, to: &buffer)
            if !options.omitsBody { buffer.writeBytes(body) }
        case .probe:
            writeHead(200, json: true, bodyBytes: 2, options, to: &buffer)
            if !options.omitsBody { buffer.writeStaticString("{}") }
        case .handshake(let handshake):
            writeHandshake(handshake, options, to: &buffer)
        case .refused(let refusal):
            writeRefusal(refusal, options, to: &buffer)
        }
    }

    private func writeRefusal(_ refusal: Refusal, _ options: Options, to buffer: inout ByteBuffer) {
        var (status, body) = (refusal.status, [UInt8]())
        if let endpoint = options.endpoint {
            (status, body) = endpoint.refusal(
                refusal.code, status: refusal.status, detail: refusal.detail, duration: options.duration)
        } else {
            body = Self.errorBody(refusal.code, refusal.detail)
        }
        writeHead(status, json: true, bodyBytes: body.count, options, refusal, to: &buffer)
        if !options.omitsBody { buffer.writeBytes(body) }
    }

    /// What the source's provider wants to see, and the webhook's id in a field.
    private func writeSuccess(
        _ success: SuccessAnswer, _ id: String, _ options: Options, to buffer: inout ByteBuffer
    ) {
        let body =
            options.endpoint == nil ? success.body : success.body.replacing("{duration}", with: options.duration)
        buffer.writeString(
            "HTTP/1.1 \(success.status) \(success.status == 200 ? "OK" : success.status == 201 ? "Created" : "Success")\r\n"
        )
        buffer.writeBytes(date)
        buffer.writeString("Tributary-Webhook-Id: \(id)")
        if success.status != 204 {
            if !body.isEmpty { buffer.writeString("\r\nContent-Type: \(success.contentType)") }
            buffer.writeString("\r\nContent-Length: \(body.utf8.count)")
        }
        writeEnd(options, to: &buffer)
        if !options.omitsBody { buffer.writeString(body) }
    }

    /// An answer that says the webhook's id.
    private mutating func writeID(
        _ journal: JournalID, _ sequence: UInt64, status: Int = 202, _ options: Options, to buffer: inout ByteBuffer
    ) {
        if self.journal != journal {
            self.journal = journal
            idPrefix = Array("{\"id\":\"\(journal)-".utf8)
        }
        var number = String(sequence)
        number.withUTF8 { digits in
            writeHead(status, json: true, bodyBytes: idPrefix.count + digits.count + 2, options, to: &buffer)
            guard !options.omitsBody else { return }
            buffer.writeBytes(idPrefix)
            buffer.writeBytes(UnsafeRawBufferPointer(digits))
            buffer.writeStaticString("\"}")
        }
    }

    private func writeHead(
        _ status: Int, json: Bool, bodyBytes: Int, _ options: Options, _ refusal: Refusal? = nil,
        to buffer: inout ByteBuffer
    ) {
        buffer.writeStaticString(Self.statusLine(status))
        buffer.writeBytes(date)
        buffer.writeStaticString(
            json
                ? "Content-Type: application/json\r\nContent-Length: "
                : "Content-Type: text/plain; charset=utf-8\r\nContent-Length: ")
        buffer.writeString(String(bodyBytes))
        if let seconds = refusal?.retryAfterSeconds { buffer.writeString("\r\nRetry-After: \(seconds)") }
        if let allow = refusal?.allow { buffer.writeString("\r\nAllow: \(allow)") }
        writeEnd(options, to: &buffer)
    }

    /// An answer without content: 204 has no length either (RFC 9110, section 8.6).
    private func writeHandshake(_ handshake: WebhookHandshake, _ options: Options, to buffer: inout ByteBuffer) {
        switch handshake {
        case .allowed(let origin, let rate):
            buffer.writeStaticString(Self.statusLine(200))
            buffer.writeBytes(date)
            buffer.writeString("WebHook-Allowed-Origin: \(origin)\r\nWebHook-Allowed-Rate: \(rate)\r\n")
            buffer.writeString("Allow: \(WebhookHandshake.allow)\r\nContent-Length: 0")
        case .methods:
            buffer.writeStaticString(Self.statusLine(204))
            buffer.writeBytes(date)
            buffer.writeString("Allow: \(WebhookHandshake.allow)")
        }
        writeEnd(options, to: &buffer)
    }

    private func writeEnd(_ options: Options, to buffer: inout ByteBuffer) {
        if options.closes {
            buffer.writeStaticString("\r\nConnection: close\r\n\r\n")
        } else if options.isVersion10 {
            buffer.writeStaticString("\r\nConnection: keep-alive\r\n\r\n")
        } else {
            buffer.writeStaticString("\r\n\r\n")
        }
    }

    private static let quarantined = "The verifier refused the webhook; it is kept in quarantine."

    /// The codes and sentences are ours, but a verdict's code comes over the bus.
    private static func errorBody(_ code: String, _ detail: String) -> [UInt8] {
        let safe = code.utf8.filter { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        return Array("{\"error\":{\"code\":\"".utf8) + safe + Array("\",\"detail\":\"\(detail)\"}}".utf8)
    }

    private static func statusLine(_ status: Int) -> StaticString {
        switch status {
        case 200: "HTTP/1.1 200 OK\r\n"
        case 202: "HTTP/1.1 202 Accepted\r\n"
        case 204: "HTTP/1.1 204 No Content\r\n"
        case 400: "HTTP/1.1 400 Bad Request\r\n"
        case 401: "HTTP/1.1 401 Unauthorized\r\n"
        case 403: "HTTP/1.1 403 Forbidden\r\n"
        case 404: "HTTP/1.1 404 Not Found\r\n"
        case 405: "HTTP/1.1 405 Method Not Allowed\r\n"
        case 408: "HTTP/1.1 408 Request Timeout\r\n"
        case 413: "HTTP/1.1 413 Content Too Large\r\n"
        case 414: "HTTP/1.1 414 URI Too Long\r\n"
        case 417: "HTTP/1.1 417 Expectation Failed\r\n"
        case 422: "HTTP/1.1 422 Unprocessable Content\r\n"
        case 429: "HTTP/1.1 429 Too Many Requests\r\n"
        case 431: "HTTP/1.1 431 Request Header Fields Too Large\r\n"
        case 501: "HTTP/1.1 501 Not Implemented\r\n"
        case 503: "HTTP/1.1 503 Service Unavailable\r\n"
        default: status < 500 ? "HTTP/1.1 400 Bad Request\r\n" : "HTTP/1.1 500 Internal Server Error\r\n"
        }
    }
}
