import Testing

/// Checks that hold after every fault.
enum Promises {
    /// Every accepted webhook is in the event log exactly once, and the log has the order of the journal.
    static func checkLog(
        of pipeline: Pipeline, router: Int = 0, accepted sent: [SentWebhook],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let events = try pipeline.events(router: router)
        var counts: [Int: Int] = [:]
        let sequences = Dictionary(uniqueKeysWithValues: sent.filter(\.isAccepted).map { ($0.number, $0.sequence) })
        var last: UInt64 = 0
        var disorder = 0
        for event in events {
            guard let number = SignedWebhook.number(event.id) else { continue }
            counts[number, default: 0] += 1
            guard let sequence = sequences[number] else { continue }
            if sequence <= last { disorder += 1 }
            last = max(last, sequence)
        }
        let lost = sequences.keys.filter { counts[$0] == nil }.sorted()
        let doubled = counts.filter { $0.value > 1 }.keys.sorted()
        #expect(lost.isEmpty, "lost: \(lost.prefix(10)) of \(lost.count)", sourceLocation: sourceLocation)
        #expect(doubled.isEmpty, "twice in the log: \(doubled.prefix(10))", sourceLocation: sourceLocation)
        #expect(disorder == 0, "\(disorder) events out of the journal's order", sourceLocation: sourceLocation)
    }

    /// Nothing was refused or given up.
    static func checkQuarantineIsEmpty(
        of pipeline: Pipeline, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let codes = try pipeline.quarantineCodes()
        #expect(codes.isEmpty, sourceLocation: sourceLocation)
    }

    /// One line about a load: how many, how fast.
    static func describe(_ sent: [SentWebhook]) -> String {
        let accepted = sent.filter(\.isAccepted)
        guard let first = sent.map(\.startedNanoseconds).min(), let last = sent.map(\.answeredNanoseconds).max() else {
            return "nothing sent"
        }
        let seconds = Double(last - first) / 1e9
        let rate = (Double(accepted.count) / seconds).rounded(to: 0)
        let waits = accepted.map { $0.answeredNanoseconds - $0.startedNanoseconds }.sorted()
        let p99 = waits.isEmpty ? 0 : Double(waits[waits.count * 99 / 100]) / 1e6
        return "\(sent.count) sent, \(accepted.count) accepted in \(seconds.rounded(to: 1)) s (\(rate)/s, "
            + "p99 \(p99.rounded(to: 1)) ms), \(sent.count { $0.status == 0 }) without an answer"
    }
}
