import JSON
import Primitives
import StageMetrics

/// Why an event was or was not delivered, for people to read: a block per subscription.
enum WhyText {
    /// `only`: the one subscription that is meant. `now`: nanoseconds since 1970.
    static func text(_ why: JSONValue, only: String? = nil, now: Int64 = wallNanoseconds()) -> String {
        let event = printable("event \(why["id"].text) at position \(why["position"].text)")
        let head = why["journey"].elements.isEmpty ? event : "\(event)\n\n\(EventText.journey(why["journey"]))"
        let blocks = why["subscriptions"].elements.filter { only == nil || $0["subscription"].text == only }
        if blocks.isEmpty {
            let named = only.map { "no subscription is named \(printable($0))" }
            return head + "\n\n" + (named ?? "there are no subscriptions")
        }
        return ([head] + blocks.map { block($0, now: now) }).joined(separator: "\n\n")
    }

    private static func block(_ standing: JSONValue, now: Int64) -> String {
        let name = printable(standing["subscription"].text)
        let attempts = standing["attempts"].elements
        var lines: [String] = []
        if standing["matches"] == .bool(false) {
            lines.append("\(name): does not take it")
            lines += mismatch(standing["mismatch"])
        } else {
            lines.append("\(name): \(state(standing["state"].text, attempts))")
        }
        let waiting = standing["waiting_for"].text
        if !waiting.isEmpty { lines.append("  waiting for    \(printable(waiting))") }
        if let ahead = standing["ahead"].integer, ahead > 0 {
            lines.append("  ahead of it    \(ahead) events")
        }
        let next = standing["next_attempt"].text
        if !next.isEmpty { lines.append("  next attempt   \(printable(due(next, now: now)))") }
        let breaker = standing["breaker"].text
        if !breaker.isEmpty, breaker != "closed" {
            lines.append("  breaker        \(printable(breaker))")
        }
        lines += attempts.map { "  " + AttemptText.line($0) }
        return lines.joined(separator: "\n")
    }

    private static func state(_ state: String, _ attempts: [JSONValue]) -> String {
        let count = attempts.count == 1 ? "1 attempt" : "\(attempts.count) attempts"
        let words = printable(state.replacing("_", with: " "))
        guard let last = attempts.last else { return words }
        guard state == "delivered" else { return "\(words) after \(count)" }
        return "\(words) after \(count), begun \(printable(last["started"].text))"
    }

    private static func mismatch(_ mismatch: JSONValue) -> [String] {
        guard mismatch != .null else { return [] }
        return [
            "  its filter     \(printable(mismatch["part"].text))",
            "  expected       \(printable(words(mismatch["expected"])))",
            "  found          \(mismatch["found"] == .null ? "nothing" : printable(words(mismatch["found"])))",
        ]
    }

    /// Elements with commas between them, other values as they are written.
    private static func words(_ value: JSONValue) -> String {
        switch value {
        case .array(let elements): elements.map(words).joined(separator: ", ")
        case .object: value.json.text
        default: value.text
        }
    }

    private static func due(_ time: String, now: Int64) -> String {
        guard let nanoseconds = RFC3339.nanoseconds(time) else { return time }
        let seconds = (nanoseconds - now) / 1_000_000_000
        return seconds > 0 ? "in \(WhileText.text(seconds: seconds)), at \(time)" : "now"
    }
}
