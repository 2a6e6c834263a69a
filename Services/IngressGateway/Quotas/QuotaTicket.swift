import PipelineConfiguration
import StageMetrics
import Synchronization
import WebhookIntake

/// A request's way through the quotas, from its head until it is the journal's.
///
/// What is over a quota waits first: nothing more is read from its connection, so that a short burst passes and a flood
/// cannot cost more than a few requests a second for each connection. Then it is refused.
struct QuotaTicket {
    /// Of a client's address and a source.
    let sender: Sender
    private let source: SourceRoute
    private var bytes = 0
    private var isAdmitted = false
    private var waitsSinceNanoseconds: Int64 = 0
    /// What the request gets if the quotas have no room by the end of its time; nil while it does not wait.
    private(set) var refusal: Refusal?

    init(_ sender: Sender, _ source: SourceRoute) {
        self.sender = sender
        self.source = source
    }

    /// Asks for a body of that many bytes, which may be more than was admitted before. Throws a refusal that does not
    /// wait.
    mutating func ask(for bytes: Int, _ loop: FrontLoop, isTrusted: Bool) throws(Refusal) {
        giveBack(loop)
        self.bytes = bytes
        waitsSinceNanoseconds = monotonicNanoseconds()
        try decide(loop, isTrusted: isTrusted) { true }
    }

    /// The same in a sweep, after a while; throws the refusal when it was too long.
    mutating func askAgain(_ loop: FrontLoop, isTrusted: Bool) throws(Refusal) {
        try decide(loop, isTrusted: isTrusted) { loop.takeRefusal() }
    }

    private mutating func decide(_ loop: FrontLoop, isTrusted: Bool, mayRefuse: () -> Bool) throws(Refusal) {
        let now = monotonicNanoseconds()
        let partition = loop.partition(of: source)
        let request = QuotaBook.Request(
            sender: sender, sourceQuota: source.quota, bytes: bytes, isTrusted: isTrusted,
            journalBytes: partition.journalBytes)
        let (decision, patience) = partition.quotas.book.withLock { book in
            (book.admit(request, at: now), book.settings.patienceNanoseconds)
        }
        switch decision {
        case .admitted:
            isAdmitted = true
            refusal = nil
        case .over(let reason, let wait):
            let refusal = Refusal.overQuota(
                reason, waitNanoseconds: wait, closes: bytes > IngressLimits.drainedBodyBytes)
            self.refusal = refusal
            if now - waitsSinceNanoseconds >= patience, mayRefuse() { throw refusal }
        case .reserved:
            throw .journalReserved
        }
    }

    /// A body without a declared length is taken for the largest there may be as soon as it is not small. `bodyBytes`:
    /// what has come of it.
    mutating func grow(to bodyBytes: Int, _ loop: FrontLoop, isTrusted: Bool) throws(Refusal) {
        guard isAdmitted, bodyBytes > bytes else { return }
        try ask(for: loop.limits.bodyBytes, loop, isTrusted: isTrusted)
    }

    /// The body is complete: what is taken on to the journal.
    mutating func receipt(bodyBytes: Int, _ loop: FrontLoop) -> QuotaReceipt {
        let wide = QuotaReceipt(sender: sender, bytes: UInt32(clamping: bytes))
        let exact = QuotaReceipt(sender: sender, bytes: UInt32(clamping: bodyBytes))
        if isAdmitted, wide != exact {
            loop.partition(of: source).quotas.book.withLock { $0.shrink(wide, toBytes: exact.bytes) }
        }
        isAdmitted = false
        return exact
    }

    /// The request will not be journaled.
    mutating func giveBack(_ loop: FrontLoop) {
        guard isAdmitted else { return }
        isAdmitted = false
        let receipt = QuotaReceipt(sender: sender, bytes: UInt32(clamping: bytes))
        loop.partition(of: source).quotas.book.withLock { $0.release(receipt) }
    }
}
