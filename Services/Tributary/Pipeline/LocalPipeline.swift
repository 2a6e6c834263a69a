import Events
import Executable
import Gzip
import Normalisation
import PipelineConfiguration
import Providers
import Verification
import VerificationSchemes
import Wire

/// Verifier and normaliser in this process, as their stages run them: nothing is stored, sent or counted.
struct LocalPipeline {
    /// One source, ready to judge.
    struct Source {
        let provider: any Provider.Type
        let verifier: SourceVerifier
        let normaliser: any WebhookNormaliser

        /// `maxInflatedBytes`: most that a compressed body may become.
        init(
            _ provider: any Provider.Type, _ verification: SourceVerification, _ options: MappingOptions,
            maxInflatedBytes: Int
        ) {
            self.provider = provider
            verifier = SourceVerifier(verification, inflater: Inflater(maxInflatedBytes: maxInflatedBytes))
            normaliser = provider.makeNormaliser(options)
        }
    }

    let sources: [String: Source]

    /// What verifier and normaliser would make of a webhook, which may come out of quarantine. `position`: where the first
    /// event would be in the log.
    func run(_ webhook: LocalRecord.Webhook, position: UInt64 = 0) -> LocalOutcome {
        var outcome = LocalOutcome()
        guard let source = sources[webhook.source] else {
            outcome.refusal = Rejection(
                .sourceUnknown, stage: .verifier, detail: "the configuration has no source \(webhook.source)")
            return outcome
        }
        guard var record = LocalRecord(webhook) else {
            outcome.refusal = Rejection(
                .envelopeDamaged, stage: .verifier, detail: "a header field is longer than 65535 bytes")
            return outcome
        }
        outcome.isProbe = record.withWebhook { source.provider.isProbe(head: $0.head, body: $0.body) }
        if outcome.isProbe { return outcome }
        verify(&record, source.verifier, &outcome)
        if outcome.refusal == nil, outcome.answered == nil { Self.normalise(&record, source.normaliser, &outcome) }
        outcome.events = record.events(position: position)
        return outcome
    }

    private func verify(_ record: inout LocalRecord, _ verifier: SourceVerifier, _ outcome: inout LocalOutcome) {
        let found = record.pass { view, writer in
            AcceptedWebhook(view).map { verifier.verify($0, into: &writer) }
        }
        switch found {
        case .verified: break
        case .answered(let reply): outcome.answered = reply
        case .refused(let code, let detail):
            outcome.refusal = Rejection(code, stage: .verifier, detail: detail)
            return
        case nil:
            outcome.refusal = Rejection(.envelopeDamaged, stage: .verifier)
            return
        }
        outcome.verification = record.withView { view in
            view.section(.verification).flatMap { try? Verification(section: $0) }
        }
    }

    /// What a normaliser makes of a record that holds a verification.
    static func normalise(
        _ record: inout LocalRecord, _ normaliser: any WebhookNormaliser, _ outcome: inout LocalOutcome
    ) {
        let found = record.pass { view, writer in
            VerifiedWebhook(view).map { normaliser.normalise($0, into: &writer) }
        }
        switch found {
        case .passed, .answered: break
        case .passedExcept(let rejections): outcome.elementRefusals = rejections
        case .refused(let rejection): outcome.refusal = rejection
        case nil: outcome.refusal = Rejection(.envelopeDamaged, stage: .normaliser)
        }
    }
}

/// What the pipeline would make of one webhook.
struct LocalOutcome {
    /// Whether it is the provider's reachability probe, which the ingress answers by itself.
    var isProbe = false
    /// How it proved where it comes from; nil where it did not.
    var verification: Verification?
    /// Why the whole of it is refused.
    var refusal: Rejection?
    /// Which elements of it are refused.
    var elementRefusals: [Rejection] = []
    /// Its events as structured CloudEvents JSON, one line each.
    var events: [String] = []
    /// What a genuine handshake is answered.
    var answered: [UInt8]?
}
