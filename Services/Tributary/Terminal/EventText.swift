import JSON
import Primitives

/// Events for people to read.
enum EventText {
    /// An event with its way through the stages and its deliveries.
    static func one(_ found: JSONValue) -> String {
        var lines = ["position \(found["position"].text)", found["event"].indented(), "", "journey"]
        lines += [journey(found["journey"]), "", "deliveries"]
        let deliveries = found["deliveries"].elements
        if deliveries.isEmpty { lines.append("  no subscription takes this event") }
        for delivery in deliveries {
            lines.append("  \(printable(delivery["subscription"].text)): \(printable(delivery["state"].text))")
            for attempt in delivery["attempts"].elements {
                lines.append("    " + AttemptText.line(attempt))
            }
        }
        return lines.joined(separator: "\n")
    }

    /// When each stage had it: how long it waited for that since the stage before, and how long it took.
    static func journey(_ steps: JSONValue) -> String {
        var table = Table(["  STAGE", "INSTANCE", "STARTED", "WAITED", "TOOK"])
        var before = JSONValue.null
        for step in steps.elements {
            table.add([
                "  " + step["stage"].text, step["instance"].text, step["started"].text,
                between(before["finished"], step["started"]), between(step["started"], step["finished"]),
            ])
            before = step
        }
        return table.text
    }

    private static func between(_ start: JSONValue, _ end: JSONValue) -> String {
        guard let start = RFC3339.nanoseconds(start.text), let end = RFC3339.nanoseconds(end.text) else { return "" }
        return "\((end - start) / 1000) µs"
    }
}
