import Foundation
import Journal
import Metrics
import StageRuntime
import Synchronization
import Wire

/// Takes webhooks out of quarantine back in: the admin route `POST /replay`. A replay is journaled like any webhook,
/// with its original receipt, under a new sequence and with a section that says what it replays.
final class ReplayDesk: AnswerSink {
    /// The body of the admin request.
    struct Request: Decodable {
        struct Origin: Decodable {
            var journal: String
            var sequence: UInt64
        }

        enum CodingKeys: String, CodingKey {
            case source, head
            case receivedAtNanoseconds = "received_at_ns"
            case body = "body_base64"
            case origin = "replay_of"
        }

        var source: String
        var receivedAtNanoseconds: Int64
        /// Pairs of lower-case name and value.
        var head: [[String]]
        /// In base64.
        var body: String
        var origin: Origin
    }

    private struct Waiting {
        var next: UInt32 = 0
        var handovers: [UInt32: Handover<Answer>] = [:]
    }

    private let sinkIndex: Int32
    private let sources: [String: SourceRoute]
    private let maxBodyBytes: Int
    private let builder: EnvelopeBuilder
    private let mailbox: JournalMailbox
    private let waiting = Mutex(Waiting())

    init(
        sinkIndex: Int32, sources: [SourceRoute], maxBodyBytes: Int, builder: EnvelopeBuilder, mailbox: JournalMailbox
    ) {
        self.sinkIndex = sinkIndex
        self.sources = Dictionary(sources.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.maxBodyBytes = maxBodyBytes
        self.builder = builder
        self.mailbox = mailbox
    }

    var route: AdminRoute {
        AdminRoute(method: "POST", pathPrefix: "/replay") { [self] in replay($0) }
    }

    func deliver(_ answers: [(ReplyToken, Answer)]) {
        for (token, answer) in answers {
            waiting.withLock { $0.handovers.removeValue(forKey: token.request) }?.give(.success(answer))
        }
    }

    /// Journals a webhook again and waits for the answer. Runs on a thread of the admin endpoint.
    func replay(_ request: AdminRequest) -> AdminReply {
        guard let wanted = try? JSONDecoder().decode(Request.self, from: Data(request.body)),
            let origin = JournalID(wanted.origin.journal), let body = Data(base64Encoded: wanted.body),
            wanted.head.allSatisfy({ $0.count == 2 }), wanted.head.count <= Int(UInt16.max)
        else {
            return .error(
                400, "replay_malformed",
                "expected {\"source\", \"received_at_ns\", \"head\": [[name, value]], \"body_base64\", "
                    + "\"replay_of\": {\"journal\", \"sequence\"}}")
        }
        guard let source = sources[wanted.source] else {
            return .error(404, "source_unknown", "no source is called \(wanted.source)")
        }
        guard body.count <= maxBodyBytes else {
            return .error(413, "body_too_large", "the body is larger than max_body_bytes")
        }
        let handover = Handover<Answer>()
        let number = waiting.withLock { waiting in
            waiting.next &+= 1
            waiting.handovers[waiting.next] = handover
            return waiting.next
        }
        var writer = ByteWriter()
        builder.appendReplay(
            source: source.nameBytes, receivedAtNanoseconds: wanted.receivedAtNanoseconds,
            head: wanted.head.map { ($0[0], $0[1]) }, body: Array(body), replayOf: (origin, wanted.origin.sequence),
            to: &writer)
        let token = ReplyToken(
            sink: sinkIndex, slot: 0, generation: 0, request: number, startedNanoseconds: monotonicNanoseconds())
        mailbox.submit([PendingBatch(batch: .init(frames: writer.bytes, count: 1), tokens: [token])])
        guard case .success(let answer) = handover.wait() else {
            return .error(503, "ingress_stopping", "this ingress is being stopped")
        }
        return reply(answer)
    }

    private func reply(_ answer: Answer) -> AdminReply {
        switch answer {
        case .accepted(let journal, let sequence):
            return .json(202, .object([("id", .string("\(journal)-\(sequence)"))]))
        case .judged(let verdict, let journal, let sequence):
            return .json(
                202, .object([("id", .string("\(journal)-\(sequence)")), ("verdict", .string(verdict.code))]))
        case .refused(let refusal): return .error(refusal.status, refusal.code, refusal.detail)
        case .probe: preconditionFailure("a replay is never taken for a probe")
        }
    }
}
