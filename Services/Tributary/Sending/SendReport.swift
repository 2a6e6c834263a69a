import JSON

/// What came of sending, for people and for programs.
struct SendReport {
    let url: String
    let outcomes: [SendOutcome]
    let elapsedSeconds: Double

    /// Answers by status, lowest first; no answer counts as 0.
    var statuses: [(status: Int, count: Int)] {
        Dictionary(grouping: outcomes) { $0.status ?? 0 }.map { ($0.key, $0.value.count) }.sorted { $0.0 < $1.0 }
    }

    private var latencies: [Int64] {
        outcomes.filter { $0.status != nil }.map(\.latencyNanoseconds).sorted()
    }

    /// In seconds; 0 when nothing was answered.
    func latency(_ quantile: Double) -> Double {
        let sorted = latencies
        guard !sorted.isEmpty else { return 0 }
        let rank = Int((quantile * Double(sorted.count)).rounded(.up)) - 1
        return Double(sorted[min(max(rank, 0), sorted.count - 1)]) / 1e9
    }

    /// All ids in JSON; for people, the first twenty.
    var json: JSONText {
        let webhooks = outcomes.map { outcome in
            JSONText.object([
                "id": .string(outcome.id), "type": .string(outcome.type),
                "event_ids": .array(outcome.eventIDs.map(JSONText.string)),
                "status": .optional(outcome.status) { .number($0) },
                "latency_seconds": .number(Double(outcome.latencyNanoseconds) / 1e9),
                "failure": .optional(outcome.failure, JSONText.string),
            ])
        }
        return .object([
            "url": .string(url),
            "sent": .number(outcomes.count),
            "elapsed_seconds": .number(elapsedSeconds),
            "statuses": .object(statuses.map { ($0.status == 0 ? "none" : String($0.status), .number($0.count)) }),
            "latency_seconds": .object([
                "p50": .number(latency(0.5)), "p99": .number(latency(0.99)), "max": .number(latency(1)),
            ]),
            "webhooks": .array(webhooks),
        ])
    }

    var text: String {
        var lines = ["sent \(outcomes.count) to \(url) in \(Self.rounded(elapsedSeconds)) s"]
        for (status, count) in statuses {
            lines.append(status == 0 ? "  no answer  \(count)" : "  \(status)        \(count)")
        }
        let times = [0.5, 0.99, 1].map { Self.rounded(latency($0) * 1000) }
        lines.append("latency p50 \(times[0]) ms, p99 \(times[1]) ms, longest \(times[2]) ms")
        for failure in Set(outcomes.compactMap(\.failure)).sorted().prefix(5) {
            lines.append("  \(printable(failure.trimmed))")
        }
        lines.append("ids:")
        lines += outcomes.prefix(20).map(Self.line)
        if outcomes.count > 20 { lines.append("  … and \(outcomes.count - 20) more (--json prints all)") }
        return lines.joined(separator: "\n")
    }

    private static func line(_ outcome: SendOutcome) -> String {
        let id = outcome.eventIDs.first ?? "(made when it is received)"
        let more = outcome.eventIDs.count > 1 ? ", first of \(outcome.eventIDs.count) events" : ""
        return "  \(id)  \(printable(outcome.type))\(more)"
    }

    private static func rounded(_ number: Double) -> String {
        "\((number * 100).rounded() / 100)"
    }
}

extension String {
    /// Without line feeds and blanks at its end.
    var trimmed: String {
        var text = self
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }
}
