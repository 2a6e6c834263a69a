import AdminServer
import Foundation
import JSON
import Journal
import StageMetrics
import Synchronization
import WebhookIntake
import Wire

/// Takes webhooks out of quarantine back in: the admin route `POST /replay`. A replay is journaled like any webhook,
/// with its original receipt, under a new sequence and with a section that says what it replays.
final class ReprocessIntake: AnswerSink {
    private struct Waiting {
        var next: UInt32 = 0
        var promises: [UInt32: Promise<Answer>] = [:]
        var isClosed = false
    }

    private let sinkIndex: Int32
    private let sources: Mutex<[String: SourceRoute]>
    private let maxBodyBytes: Int
    private let builder: EnvelopeBuilder
    private let partitions: [Partition]
    private let waiting = Mutex(Waiting())

    init(
        sinkIndex: Int32, sources: [SourceRoute], maxBodyBytes: Int, builder: EnvelopeBuilder, partitions: [Partition]
    ) {
        self.sinkIndex = sinkIndex
        self.sources = Mutex(Self.table(sources))
        self.maxBodyBytes = maxBodyBytes
        self.builder = builder
        self.partitions = partitions
    }

    /// Knows other sources from now on.
    func replace(_ sources: [SourceRoute]) {
        self.sources.withLock { $0 = Self.table(sources) }
    }

    /// Takes nothing more.
    func close() {
        waiting.withLock { $0.isClosed = true }
    }

    /// The journal takes nothing more. Whoever still waits gets its answer now: out of `journaled`, what the journal has
    /// taken, or that the ingress is being stopped.
    func end(journaled: [(ReplyToken, Answer)]) {
        deliver(journaled.filter { $0.0.sink == sinkIndex })
        let left = waiting.withLock { waiting in
            waiting.isClosed = true
            defer { waiting.promises.removeAll() }
            return Array(waiting.promises.values)
        }
        for promise in left { promise.give(.success(.refused(.stopping))) }
    }

    private static func table(_ sources: [SourceRoute]) -> [String: SourceRoute] {
        Dictionary(sources.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    var route: AdminRoute {
        // Base64 makes four bytes of three; the rest is for the head.
        AdminRoute(
            method: "POST", pathPrefix: "/replay", maxBodyBytes: max(8 << 20, maxBodyBytes / 3 * 4 + (1 << 20))
        ) { [self] in replay($0) }
    }

    func deliver(_ answers: [(ReplyToken, Answer)]) {
        for (token, answer) in answers {
            waiting.withLock { $0.promises.removeValue(forKey: token.request) }?.give(.success(answer))
        }
    }

    /// Journals webhooks again and waits for the answers. Runs on a thread of the admin endpoint.
    func replay(_ request: AdminRequest) -> AdminReply {
        guard let wanted = try? JSONDecoder().decode(ReplayRequest.self, from: Data(request.body)) else {
            return Self.malformed
        }
        // All are on their way to the journal before the first is waited for: one commit takes them.
        let takings = wanted.webhooks.map(take)
        let replies = takings.map(finish)
        guard wanted.isList else { return replies.first ?? Self.malformed }
        let answers = replies.map { reply in
            JSONText.object(["status": .number(reply.status), "answer": JSONText(raw: reply.body)])
        }
        return .json(200, .object(["answers": .array(answers)]))
    }

    /// What became of one webhook so far: an answer to wait for, or one that is clear already.
    private enum Taking {
        case waits(Promise<Answer>)
        case refused(AdminReply)
    }

    private static let malformed = AdminReply.error(
        400, "replay_malformed",
        "expected {\"source\", \"received_at_ns\", \"head\": [[name, value]], \"body_base64\", "
            + "\"replay_of\": {\"journal\", \"sequence\"}, \"elements\": [index]}, or several under \"webhooks\"")

    private func take(_ wanted: ReplayRequest.Webhook) -> Taking {
        guard let webhook = wanted.replayed else { return .refused(Self.malformed) }
        guard let source = sources.withLock({ $0[wanted.source] }) else {
            return .refused(.error(404, "source_unknown", "no source is called \(wanted.source)"))
        }
        guard webhook.body.count <= maxBodyBytes else {
            return .refused(.error(413, "body_too_large", "the body is larger than max_body_bytes"))
        }
        let mailbox = partitions[source.router].intake.mailbox
        guard !mailbox.isFull else {
            return .refused(.error(503, "journal_busy", "the journal has not taken yet what came in before"))
        }
        let promise = Promise<Answer>()
        let number = waiting.withLock { waiting -> UInt32? in
            if waiting.isClosed { return nil }
            waiting.next &+= 1
            waiting.promises[waiting.next] = promise
            return waiting.next
        }
        guard let number else { return .refused(reply(.refused(.stopping))) }
        var writer = ByteWriter()
        builder.appendReplay(webhook, source: source.nameBytes, to: &writer)
        let token = ReplyToken(
            sink: sinkIndex, slot: 0, generation: 0, request: number, startedNanoseconds: monotonicNanoseconds())
        mailbox.submit([PendingBatch(RecordBatch(written: writer.bytes, ends: [writer.count]), tokens: [token])])
        return .waits(promise)
    }

    private func finish(_ taking: Taking) -> AdminReply {
        switch taking {
        case .refused(let reply): return reply
        case .waits(let promise):
            // Bounded: the bus answers what was journaled, the journal what it cannot take, `end` the rest.
            guard case .success(let answer) = promise.wait() else { return reply(.refused(.stopping)) }
            return reply(answer)
        }
    }

    private func reply(_ answer: Answer) -> AdminReply {
        switch answer {
        case .accepted(let journal, let sequence, _):
            return .json(202, .object(["id": .string("\(journal)-\(sequence)")]))
        case .judged(let verdict, let journal, let sequence):
            return .json(
                202, .object(["id": .string("\(journal)-\(sequence)"), "verdict": .string(verdict.code)]))
        case .refused(let refusal): return .error(refusal.status, refusal.code, refusal.detail)
        case .probe, .handshake: preconditionFailure("a replay is never taken for a probe or a handshake")
        }
    }
}
