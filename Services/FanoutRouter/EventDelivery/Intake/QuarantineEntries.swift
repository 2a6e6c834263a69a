import EventLog
import Events
import Wire

/// Makes what goes into quarantine of a refused webhook or of its refused elements.
enum QuarantineEntries {
    /// One entry per code with all elements that were refused for it: a batch with a thousand bad elements keeps its body
    /// once, not a thousand times, and each cause can be replayed by itself when it is put right.
    static func make(
        of envelope: EnvelopeView, _ rejections: [Rejection], nowNanoseconds: Int64
    ) -> [QuarantinedWebhook] {
        let replay = envelope.section(.replayOf).map { ReplayOrigin(section: $0) }
        let entry = replay?.entry ?? (envelope.journal, envelope.sequence)
        var codes: [RejectionCode] = []
        for rejection in rejections where !codes.contains(rejection.code) { codes.append(rejection.code) }
        // Shared by the entries.
        let head = envelope.section(.requestHead).map { Array($0) } ?? []
        let body = envelope.section(.body).map { Array($0) } ?? []
        return codes.compactMap { code in
            let those = rejections.filter { $0.code == code }
            guard let first = those.first else { return nil }
            var elements = those.map(\.element).sorted()
            // Refused as a whole: every element that was asked for.
            if elements.last == Rejection.wholeWebhook { elements = replay?.list.sorted() ?? [] }
            var webhook = QuarantinedWebhook(
                source: envelope.source, code: code.rawValue, stage: first.stage.description,
                isVerified: isVerified(envelope, refusedBy: first.stage), elements: elements,
                detail: those.count == 1 ? first.detail : "\(first.detail) (and \(those.count - 1) more elements)",
                journal: entry.journal, sequence: entry.sequence,
                receivedAtNanoseconds: envelope.receivedAtNanoseconds, quarantinedAtNanoseconds: nowNanoseconds,
                head: head, body: body)
            webhook.isReplay = replay != nil
            return webhook
        }
    }

    /// Whether not just anybody can have caused this: the origin was proved, or it is a stage that died or a disk that
    /// failed. A source without verification proves nothing.
    private static func isVerified(_ envelope: EnvelopeView, refusedBy stage: StageRole) -> Bool {
        guard let section = envelope.section(.verification), let proof = try? Verification(section: section) else {
            return stage != .verifier
        }
        return proof.scheme != "none"
    }
}
