import Events
import Gzip
import Primitives
import Verification
import VerificationSchemes
import Wire

/// Step 4 of the way: proves where each webhook comes from. A pure function of the record; it reads no clock and keeps
/// nothing from one record to the next. Belongs to one thread.
///
/// Whoever counts which key proved what keeps an array of counters per source, made of `proofs` (scheme and key id of
/// everything that can be proved, in a fixed order until `replace`), and after each `process` takes the counter at
/// `lastProof`: no text is built or looked up.
///
/// Next: `NormaliserStage.swift`.
struct VerifierStage {
    /// A place in `proofs`.
    struct ProofPlace: Equatable {
        let source: Int
        let proof: Int
    }

    /// What proved the record processed last; nil where it was refused or passed untouched.
    private(set) var lastProof: ProofPlace?

    private let inflater: Inflater
    private var names = ByteIndex([])
    private var verifiers: [SourceVerifier] = []

    /// `maxInflatedBytes`: most that a compressed body may become.
    init(sources: [SourceVerification], maxInflatedBytes: Int) {
        inflater = Inflater(maxInflatedBytes: maxInflatedBytes)
        replace(sources)
    }

    /// Per source, in their order, everything that a proof of it can say.
    var proofs: [[Verification]] { verifiers.map(\.proofs) }

    /// Takes over new keys, all at once: call it between batches.
    mutating func replace(_ sources: [SourceVerification]) {
        names = ByteIndex(sources.map { Array($0.source.utf8) })
        verifiers = sources.map { SourceVerifier($0, inflater: inflater) }
        lastProof = nil
    }

    /// Appends the verification, or the rejection, of `record` to `writer`; for a handshake an events section that
    /// holds none besides. Records that were given up or refused earlier stay untouched. The record's bytes must not
    /// lie in `writer`.
    mutating func process(_ record: EnvelopeView, into writer: inout ByteWriter) -> StageOutcome {
        lastProof = nil
        if record.flags.contains(.tombstone) || record.section(.rejection) != nil { return .passed }
        guard let place = names.place(of: record.sourceBytes) else {
            return refuse(.sourceUnknown, "the verifier's configuration has no such source", into: &writer)
        }
        guard let webhook = AcceptedWebhook(record) else {
            return refuse(.envelopeDamaged, "the record has no request head or no body", into: &writer)
        }
        let verifier = verifiers[place]
        switch verifier.verify(webhook, into: &writer) {
        case .verified:
            lastProof = ProofPlace(source: place, proof: verifier.lastProof)
            return .passed
        case .answered(let reply):
            lastProof = ProofPlace(source: place, proof: verifier.lastProof)
            return .answered(reply: reply)
        case .refused(let code, let detail):
            return refuse(code, detail, into: &writer)
        }
    }

    private func refuse(_ code: RejectionCode, _ detail: String, into writer: inout ByteWriter) -> StageOutcome {
        let rejection = Rejection(code, stage: .verifier, detail: detail)
        rejection.write(to: &writer)
        return .refused(rejection)
    }
}
