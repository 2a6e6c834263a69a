import Events
import Providers
import Wire

/// One source as the verifier needs it.
struct VerifiedSource: Sendable {
    let name: String
    let provider: any Provider.Type
    let keys: SourceKeys
}

/// Step 4 of the way: proves where each webhook comes from. A pure function of the record; it reads no clock and keeps
/// nothing from one record to the next. Belongs to one thread.
///
/// Next: `NormaliserStage.swift`.
struct VerifierStage {
    private let inflater: Inflater
    private var names = ByteIndex([])
    private var verifiers: [any WebhookVerifier] = []

    /// `maxInflatedBytes`: most that a compressed body may become.
    init(sources: [VerifiedSource], maxInflatedBytes: Int) {
        inflater = Inflater(maxInflatedBytes: maxInflatedBytes)
        replace(sources)
    }

    /// Takes over new keys, all at once: call it between batches.
    mutating func replace(_ sources: [VerifiedSource]) {
        names = ByteIndex(sources.map { Array($0.name.utf8) })
        verifiers = sources.map { $0.provider.makeVerifier(keys: $0.keys, inflater: inflater) }
    }

    /// Appends the verification, or the rejection, of `record` to `writer`. Records that were given up or refused
    /// earlier stay untouched. The record's bytes must not lie in `writer`.
    mutating func process(_ record: EnvelopeView, into writer: inout ByteWriter) -> StageOutcome {
        if record.flags.contains(.tombstone) || record.section(.rejection) != nil { return .passed }
        guard let place = names.place(of: record.sourceBytes) else {
            return refuse(.sourceUnknown, "the verifier's configuration has no such source", into: &writer)
        }
        guard let webhook = AcceptedWebhook(record) else {
            return refuse(.envelopeDamaged, "the record has no request head or no body", into: &writer)
        }
        switch verifiers[place].verify(webhook, into: &writer) {
        case .verified: return .passed
        case .refused(let code, let detail): return refuse(code, detail, into: &writer)
        }
    }

    private func refuse(_ code: RejectionCode, _ detail: String, into writer: inout ByteWriter) -> StageOutcome {
        let rejection = Rejection(code, stage: .verifier, detail: detail)
        rejection.write(to: &writer)
        return .refused(rejection, httpStatus: VerificationOutcome.httpStatus(for: code))
    }
}
