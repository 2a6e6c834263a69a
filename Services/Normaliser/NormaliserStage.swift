import Events
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
    private let fault = CrashFault()
    #endif

    init(sources: [(name: String, provider: any Provider.Type)]) {
        names = ByteIndex(sources.map { Array($0.name.utf8) })
        var benches: [String: any WebhookNormaliser] = [:]
        normalisers = sources.map { source in
            let bench = benches[source.provider.name] ?? source.provider.makeNormaliser()
            benches[source.provider.name] = bench
            return bench
        }
    }

    /// Appends the events, or the rejection, of `record` to `writer`. Records that were given up or refused earlier
    /// stay untouched. The record's bytes must not lie in `writer`.
    mutating func process(_ record: EnvelopeView, into writer: inout ByteWriter) -> StageOutcome {
        if record.flags.contains(.tombstone) || record.section(.rejection) != nil { return .passed }
        guard let webhook = VerifiedWebhook(record) else {
            return refuse(
                Rejection(.envelopeDamaged, stage: .normaliser, detail: "the record holds no verified webhook"),
                into: &writer)
        }
        guard let place = names.place(of: record.sourceBytes) else {
            return refuse(
                Rejection(
                    .sourceUnknown, stage: .normaliser,
                    detail: "the normaliser's configuration has no such source"),
                into: &writer)
        }
        #if DEBUG
        fault.crashIfAsked(webhook.body)
        #endif
        if let rejection = normalisers[place].normalise(webhook, into: &writer) {
            return refuse(rejection, into: &writer)
        }
        return .passed
    }

    private func refuse(_ rejection: Rejection, into writer: inout ByteWriter) -> StageOutcome {
        rejection.write(to: &writer)
        return .refused(rejection, httpStatus: VerificationOutcome.httpStatus(for: rejection.code))
    }
}
