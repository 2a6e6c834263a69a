import HTTPFront
import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOPosix
import Synchronization

/// Takes one request after another off a connection of the control API and has the dispatcher answer it.
final class ControlResponder: Sendable {
    /// How many operations run at once, and how many may wait for their turn.
    static let workers = 8
    static let mostWaiting = 64
    /// A body must be here after that long.
    static let bodyDeadline = TimeAmount.seconds(30)

    let tokens: APITokens
    private let dispatcher: APIDispatcher
    private let hosts: HostRule
    private let pool: NIOThreadPool
    private let bodyDeadline: TimeAmount
    /// Operations that run or wait.
    private let accepted = Mutex(0)

    init(
        dispatcher: APIDispatcher, tokens: APITokens, hosts: HostRule, pool: NIOThreadPool,
        bodyDeadline: TimeAmount = ControlResponder.bodyDeadline
    ) {
        self.dispatcher = dispatcher
        self.tokens = tokens
        self.hosts = hosts
        self.pool = pool
        self.bodyDeadline = bodyDeadline
    }

    /// Throws where the connection is of no further use; it is closed then.
    func respond(
        to request: Request, _ writer: consuming ResponseWriter, on channel: any Channel
    ) async throws {
        switch decide(request) {
        case .refuse(let answer):
            // The front connection reads on for a while, so that whoever is still sending gets the answer.
            try await send(answer, to: request, writer, closes: Self.hasBody(request))
        case .ask(let call):
            if call.operation.scope != nil { channel.triggerUserOutboundEvent(FrontConnection.Trusted(), promise: nil) }
            if request.headers[.expect]?.lowercased() == "100-continue" {
                try await writer.writeInformationalHead(HTTPResponse(status: .continue))
            }
            var parts = request.body.makeAsyncIterator()
            guard let body = try await collect(&parts, channel) else {
                return try await send(dispatcher.refuse(.bodyTooLarge, call), to: request, writer, closes: true)
            }
            try await send(try await carryOut(call, request, body), to: request, writer)
        }
    }

    private enum Decision {
        case ask(APICall)
        case refuse(APIAnswer)
    }

    /// Checks what can be checked without the body.
    private func decide(_ request: Request) -> Decision {
        var call: APICall?
        do throws(APIProblem) {
            try hosts.check(request.head.authority)
            var found = try dispatcher.call(request.method.rawValue, request.head.path ?? "")
            call = found
            found.scopes = try tokens.authorise(request.headers[.authorization], for: found.operation)
            let length = request.headers[.contentLength].flatMap { Int($0) } ?? 0
            guard length <= APIDispatcher.maxBodyBytes else { throw APIProblem.bodyTooLarge }
            return .ask(found)
        } catch {
            return .refuse(dispatcher.refuse(error, call))
        }
    }

    /// The whole body; nil where it is larger than any operation takes.
    private func collect(
        _ parts: inout RequestBody.AsyncIterator, _ channel: any Channel
    ) async throws -> [UInt8]? {
        // Whoever sends a byte now and then would otherwise hold a connection for ever.
        let deadline = channel.eventLoop.scheduleTask(in: bodyDeadline) { channel.close(promise: nil) }
        defer { deadline.cancel() }
        var body: [UInt8] = []
        while let part = try await parts.next() {
            guard body.count + part.readableBytes <= APIDispatcher.maxBodyBytes else { return nil }
            body += part.readableBytesView
        }
        return body
    }

    private static func hasBody(_ request: Request) -> Bool {
        request.headers[.transferEncoding] != nil || (request.headers[.contentLength].map { $0 != "0" } ?? false)
    }

    private func carryOut(_ call: APICall, _ request: Request, _ body: [UInt8]) async throws -> APIAnswer {
        let isAccepted = accepted.withLock { accepted in
            guard accepted < Self.workers + Self.mostWaiting else { return false }
            accepted += 1
            return true
        }
        guard isAccepted else {
            return dispatcher.refuse(
                APIProblem(.unavailable, "too many requests wait already; try again", fields: [("retry-after", "1")]),
                call)
        }
        defer { accepted.withLock { $0 -= 1 } }
        let contentType = request.headers[.contentType]
        return try await pool.runIfActive { [dispatcher] in
            dispatcher.answer(call, contentType: contentType, body: body)
        }
    }

    // MARK: Writing

    private func send(
        _ answer: APIAnswer, to request: Request, _ writer: consuming ResponseWriter, closes: Bool = false
    ) async throws {
        var fields = HTTPFields()
        for field in answer.fields {
            guard let name = HTTPField.Name(field.name) else { preconditionFailure("\(field.name) is no field name") }
            fields.append(HTTPField(name: name, value: field.value))
        }
        // 204 has no length (RFC 9110, section 8.6).
        if answer.status != 204 { fields[.contentLength] = String(answer.body.count) }
        if closes { fields[.connection] = "close" }
        let head = HTTPResponse(status: .init(code: answer.status), headerFields: fields)
        let isHead = request.method == .head || answer.body.isEmpty
        let body = isHead ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
        try await writer.write(response: head, body: body)
    }
}
