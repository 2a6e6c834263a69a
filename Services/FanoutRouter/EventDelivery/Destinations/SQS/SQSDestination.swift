import AWS
import Executable
import LibCrypto
import NIOCore
import PipelineConfiguration
import Primitives
import StageProcess

/// A queue of Amazon SQS. Deliveries that begin together travel together, ten at most in a request; each has an outcome of
/// its own, so that what the queue refuses of a request is tried again alone.
///
/// Requests go over the connections that HTTP deliveries go over: to checked addresses, through the egress proxy.
///
/// Confined to the event loop of the lanes.
final class SQSDestination: Destination {
    private struct Entry {
        let content: DeliveryContent
        let seconds: Int64
        let timeoutNanoseconds: Int64
        let completion: (AttemptOutcome) -> Void
    }

    /// What several messages have together in one request. Services that speak SQS' protocol know its older limit alone; one
    /// message that is larger travels by itself.
    private static let batchBytes = 256 << 10
    /// The longest answer that is read: ten results with a sentence each.
    private static let answerBytes = 64 << 10

    private let queueURL: String
    private let isFIFO: Bool
    private let host: String
    private let signature: SignatureV4
    private let connections: ConnectionPool
    private let loop: any EventLoop
    private var waiting: [Entry] = []

    init(
        _ configuration: SQSDestinationConfiguration, _ credentials: AWSCredentials, connections: ConnectionPool,
        loop: any EventLoop
    ) {
        queueURL = configuration.queueURL.text
        isFIFO = configuration.isFIFO
        host = configuration.address.hostHeader
        signature = SignatureV4(credentials, region: configuration.region, service: "sqs")
        self.connections = connections
        self.loop = loop
    }

    func deliver(_ delivery: Delivery, completion: @escaping (AttemptOutcome) -> Void) {
        guard case .single(let content) = delivery.content else {
            preconditionFailure("a kind that takes no batches is given none")
        }
        if waiting.isEmpty { loop.assumeIsolated().execute { self.send() } }
        waiting.append(
            Entry(
                content: content, seconds: delivery.startedSeconds, timeoutNanoseconds: delivery.timeoutNanoseconds,
                completion: completion))
    }

    func close(successor: (any Destination)?) {
        if (successor as? SQSDestination)?.connections !== connections { connections.close() }
    }

    // MARK: Requests

    /// Sends all that waits, in as few requests as it takes.
    private func send() {
        let entries = waiting
        waiting = []
        var (batch, sent, bytes) = (SQSBatch(queueURL: queueURL), [Entry](), 0)
        for entry in entries {
            let attributes = attributes(of: entry.content)
            let size = SQSBatch.size(bodyBytes: entry.content.body.count, attributes)
            guard size <= SQSRequest.mostBytes else {
                entry.completion(
                    .denied(.eventTooLarge, "\(size) bytes with its attributes; SQS takes \(SQSRequest.mostBytes)"))
                continue
            }
            if batch.count == SQSRequest.mostEntries || (batch.count > 0 && bytes + size > Self.batchBytes) {
                send(batch.finish(), sent)
                (batch, sent, bytes) = (SQSBatch(queueURL: queueURL), [], 0)
            }
            entry.content.body.buffer.withUnsafeReadableBytes { batch.append($0, attributes) }
            sent.append(entry)
            bytes += size
        }
        if batch.count > 0 { send(batch.finish(), sent) }
    }

    private func send(_ request: SQSRequest, _ entries: [Entry]) {
        var outbound = OutboundRequest(
            body: .buffer(ByteBuffer(bytes: request.body)),
            timeoutNanoseconds: entries.reduce(.max) { min($0, $1.timeoutNanoseconds) }
        ) { head in
            head.writeStaticString("POST / HTTP/1.1\r\n")
            for (name, value) in request.fields(host: host, signedBy: signature, at: entries[0].seconds) {
                head.writeString("\(name): \(value)\r\n")
            }
            head.writeString(
                "user-agent: tributary/\(TributaryVersion.current)\r\ncontent-length: \(request.body.count)\r\n\r\n")
        }
        // The body says what became of each entry.
        (outbound.answerBytes, outbound.restNanoseconds) = (Self.answerBytes, 0)
        connections.send(outbound) { outcome in
            for (entry, outcome) in zip(entries, Self.outcomes(of: outcome, entries: entries.count)) {
                entry.completion(outcome)
            }
        }
    }

    /// The event's attributes that consumers select by, and of a FIFO queue what keeps the order and what tells a message
    /// from its repetition.
    private func attributes(of content: DeliveryContent) -> SQSBatch.Entry {
        var entry = SQSBatch.Entry()
        let named: [(String, StaticString)] = [
            ("ce-type", "type"), ("ce-source", "source"), ("ce-id", "id"), ("ce-subject", "subject"),
            ("ce-time", "time"),
        ]
        entry.attributes = named.compactMap { name, attribute in
            content.attribute(attribute).map { (name, $0) }
        }
        guard isFIFO else { return entry }
        let key = content.attribute("partitionkey") ?? content.attribute("subject") ?? content.attribute("source")
        entry.group = Self.token(key ?? "none")
        entry.deduplicationID = Self.token(content.attribute("id") ?? "none")
        return entry
    }

    /// SQS takes 1 to 128 ASCII characters without blanks and controls for groups and ids; of any other text its digest.
    static func token(_ text: String) -> String {
        if (1...128).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) { return text }
        let digest = Array(text.utf8).withUnsafeBytes { SHA256Digest.of($0) }
        return "sha256:" + digest.withUnsafeBytes { Hexadecimal.encode($0) }
    }

    // MARK: Outcomes

    /// What a request came to, message by message.
    static func outcomes(of outcome: AttemptOutcome, entries: Int) -> [AttemptOutcome] {
        guard let status = outcome.status else { return Array(repeating: outcome, count: entries) }
        do throws(SQSError) {
            guard status == 200 else { throw SQSError(status: status, body: outcome.answer) }
            return try SQSBatchAnswer(outcome.answer, entries: entries).errors.map { error in
                error.map { Self.outcome(of: $0, nil) } ?? .delivered
            }
        } catch {
            return Array(repeating: Self.outcome(of: error, outcome.retryAfterSeconds), count: entries)
        }
    }

    private static func outcome(of error: SQSError, _ retryAfterSeconds: Int?) -> AttemptOutcome {
        let end: AttemptEnd =
            switch error.kind {
            case .throttled: .throttled
            case .accessDenied: .accessDenied
            case .noSuchQueue: .noSuchQueue
            case .tooLarge: .eventTooLarge
            case .refused: .refused
            case .unavailable: error == .malformed ? .responseMalformed : .brokerUnavailable
            }
        return .denied(end, error.description, retryAfterSeconds: retryAfterSeconds)
    }

    /// Its connections where they lead to the same place by the same way.
    fileprivate func connections(to endpoint: EndpointURL, _ context: DestinationContext) -> ConnectionPool? {
        connections.leads(to: endpoint, by: context.egress) ? connections : nil
    }
}

extension SQSDestinationConfiguration: DestinationKind {
    static var outcomes: [AttemptEnd] { AttemptEnd.ofBrokers }

    func resources(of subscription: String, _ environment: StageEnvironment) throws(StageFailure) -> (any Sendable)? {
        guard let credentials else { return nil }
        let id = try environment.resolve(credentials.accessKeyID)
        let secret = try environment.resolve(credentials.secretAccessKey)
        let token: [UInt8]? =
            if let reference = credentials.sessionToken { try environment.resolve(reference) } else { nil }
        guard ([id] + [token ?? []]).allSatisfy({ $0.allSatisfy { $0 > 0x20 && $0 < 0x7F } }) else {
            throw StageFailure(
                .configuration,
                "subscription \(subscription): credentials: an access key id or session token has blanks or line ends in it"
            )
        }
        return AWSCredentials(
            accessKeyID: String(decoding: id, as: UTF8.self), secretAccessKey: secret,
            sessionToken: token.map { String(decoding: $0, as: UTF8.self) })
    }

    func apiRefusal(by router: RouterConfiguration) -> (key: String, sentence: String)? {
        (
            "type",
            "an sqs subscription needs credentials, which the configuration file alone can refer to; write it there"
        )
    }

    func check(_ context: DestinationContext) throws {
        if address.isTLS { _ = try context.egress.sharedTLS() }
    }

    func destination(
        _ context: DestinationContext, on loop: any EventLoop, former: (any Destination)?
    ) throws -> any Destination {
        guard let credentials = context.resources as? AWSCredentials else {
            throw StageFailure(.configuration, "there are no credentials")
        }
        let kept = (former as? SQSDestination)?.connections(to: address, context)
        return SQSDestination(
            self, credentials,
            connections: try kept
                ?? ConnectionPool(
                    endpoint: address, resolver: context.egress, loop: loop,
                    certificateSeen: context.certificateSeen),
            loop: loop)
    }
}
