import HTTPFront
import NIOCore

/// A request of a connection that has begun and is neither handed over nor answered.
final class OpenRequest {
    let head: ReceivedHead
    let facts: HeadFacts
    var target: SourceTable.Target?
    var body: ByteBuffer?
    var bodyBytes = 0
    let startedNanoseconds: Int64
    var refusal: Refusal?
    /// What the quotas say of it; nil where they are not asked.
    var ticket: QuotaTicket?
    /// Its last byte has come.
    var hasEnded = false

    init(head: ReceivedHead, facts: HeadFacts, startedNanoseconds: Int64) {
        self.head = head
        self.facts = facts
        self.startedNanoseconds = startedNanoseconds
    }

    /// Whether its body is larger than the ingress or its source takes: as announced, or as far as it has come.
    func exceeds(_ bytes: Int) -> Bool {
        max(bodyBytes, facts.contentLengthBytes ?? 0) > min(bytes, target?.source.bodyBytes ?? .max)
    }

    /// For the quotas.
    var isWaiting: Bool { ticket?.refusal != nil }

    /// Its client sends the body only when told to, and may now.
    var wantsContinue: Bool {
        !isWaiting && refusal == nil && facts.expectsContinue && facts.hasBody
    }
}

/// An answer that a connection owes.
struct OwedAnswer {
    var answer: Answer?
    var options: ReplyRenderer.Options
    /// For the metrics; nil where the request names none.
    var source: SourceRoute?

    init(to head: ReceivedHead, _ facts: HeadFacts, startedNanoseconds: Int64) {
        options = .init(
            closes: facts.closes || facts.asksForUpgrade, isVersion10: facts.isVersion10,
            omitsBody: head.method == .head, startedNanoseconds: startedNanoseconds)
    }

    /// For bytes that are no request.
    init(startedNanoseconds: Int64) {
        options = .init(startedNanoseconds: startedNanoseconds)
    }
}
