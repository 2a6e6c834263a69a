import StageRuntime
import Wire

/// A refused webhook as the router gives it.
struct QuarantineEntry {
    private let entry: JSONValue

    init(_ entry: JSONValue) {
        self.entry = entry
    }

    /// What an ingress takes to send the webhook through the pipeline again.
    var replay: JSONText {
        .object([
            ("source", entry["source"].json),
            ("received_at_ns", entry["received_at_ns"].json),
            ("head", entry["head"].json),
            ("body_base64", entry["body_base64"].json),
            (
                "replay_of", .object([("journal", entry["journal"].json), ("sequence", entry["sequence"].json)])
            ),
        ])
    }

    /// For people: what is known, then the head, then the body as text.
    var text: String {
        var lines: [String] = []
        if case .object(let members) = entry {
            let hidden = ["head", "body_base64", "received_at_ns"]
            for member in members where !hidden.contains(member.name) && member.value != .null {
                lines.append("\(member.name): \(printable(member.value.text))")
            }
        }
        lines.append("")
        for field in entry["head"].elements where field.elements.count == 2 {
            lines.append("\(printable(field.elements[0].text)): \(printable(field.elements[1].text))")
        }
        let body = Array(entry["body_base64"].text.utf8).withUnsafeBytes { Base64.decode($0) } ?? []
        lines += ["", body.isEmpty ? "(no body)" : printable(String(decoding: body, as: UTF8.self))]
        return lines.joined(separator: "\n")
    }
}
