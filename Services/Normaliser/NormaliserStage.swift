import Events
import Normalisation
import Primitives
import Providers
import Wire

/// Step 5 of the way: turns each verified webhook into canonical events. A pure function of the record; it reads no
/// clock and keeps nothing from one record to the next. Belongs to one thread.
///
/// Next: `CanonicalEvent.swift`, then the router's event log.
struct NormaliserStage {
    private let names: ByteIndex
    private let normalisers: [any WebhookNormaliser]
    #if DEBUG
    private let faults = FaultSwitch()
    #endif

    /// Sources with the same provider and the same options share one normaliser.
    init(sources: [(name: String, provider: any Provider.Type, options: MappingOptions)]) {
        names = ByteIndex(sources.map { Array($0.name.utf8) })
        var benches: [(provider: String, options: MappingOptions, normaliser: any WebhookNormaliser)] = []
        normalisers = sources.map { source in
            let known = benches.first { $0.provider == source.provider.name && $0.options == source.options }
            if let known { return known.normaliser }
            let normaliser = source.provider.makeNormaliser(source.options)
            benches.append((source.provider.name, source.options, normaliser))
            return normaliser
        }
    }

    /// Appends the events, or the rejection, of `record` to `writer`; behind the events the rejections of single
    /// elements. Records that were given up or refused earlier, and handshakes, whose events section the verifier has
    /// written, stay untouched. The record's bytes must not lie in `writer`.
    mutating func process(_ record: EnvelopeView, into writer: inout ByteWriter) -> StageOutcome {
        if record.flags.contains(.tombstone) || record.section(.rejection) != nil { return .passed }
        guard let webhook = VerifiedWebhook(record) else {
            return refuse(
                Rejection(.envelopeDamaged, stage: .normaliser, detail: "the record holds no verified webhook"),
                into: &writer)
        }
        if record.section(.events) != nil { return .passed }
        guard let place = names.place(of: record.sourceBytes) else {
            return refuse(
                Rejection(
                    .sourceUnknown, stage: .normaliser,
                    detail: "the normaliser's configuration has no such source"),
                into: &writer)
        }
        #if DEBUG
        faults.apply(webhook.body)
        #endif
        let outcome = normalisers[place].normalise(webhook, into: &writer)
        switch outcome {
        case .passed, .answered: break
        case .passedExcept(let rejections): for rejection in rejections { rejection.write(to: &writer) }
        case .refused(let rejection): rejection.write(to: &writer)
        }
        return outcome
    }

    private func refuse(_ rejection: Rejection, into writer: inout ByteWriter) -> StageOutcome {
        rejection.write(to: &writer)
        return .refused(rejection)
    }
}
