import JSON
import Primitives

/// Events for people to read.
enum EventText {
    /// An event with its way through the stages and its deliveries.
    static func one(_ found: JSONValue) -> String {
        var lines = ["position \(found["position"].text)", found["event"].indented(), "", "journey"]
        var table = Table(["  STAGE", "INSTANCE", "STARTED", "TOOK"])
        for step in found["journey"].elements {
            let cells = [step["stage"].text, step["instance"].text, step["started"].text, took(step)]
            table.add(["  " + cells[0]] + cells[1...])
        }
        lines += [table.text, "", "deliveries"]
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

    private static func took(_ step: JSONValue) -> String {
        guard let start = RFC3339.nanoseconds(step["started"].text),
            let end = RFC3339.nanoseconds(step["finished"].text)
        else { return "" }
        return "\((end - start) / 1000) µs"
    }
}
