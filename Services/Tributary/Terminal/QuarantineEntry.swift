import Events
import JSON
import PipelineConfiguration
import Primitives
import Wire

/// A refused webhook as the router gives it, with its content.
struct QuarantineEntry {
    private let entry: JSONValue
    private let hidden: SecretFields?

    /// `hidden`: the fields of the head that are not shown; nil: all are.
    init(_ entry: JSONValue, hidden: SecretFields? = nil) {
        self.entry = entry
        self.hidden = hidden
    }

    /// As digits.
    var id: String { entry["id"].text }

    /// How often it was sent on its way again and refused again.
    var tries: Int64 { entry["tries"].integer ?? 0 }

    /// What an ingress takes to send the webhook through the pipeline again.
    var replay: JSONText {
        .object([
            "source": entry["source"].json,
            "received_at_ns": entry["received_at_ns"].json,
            "head": entry["head"].json,
            "body_base64": entry["body_base64"].json,
            "replay_of": .object(["journal": entry["journal"].json, "sequence": entry["sequence"].json]),
            "elements": entry["elements"].json,
        ])
    }

    /// The same, decoded; nil where a part is missing.
    var webhook: LocalRecord.Webhook? {
        JSONValue.read(replay.bytes).flatMap(LocalRecord.Webhook.init(replay:))
    }

    /// As the router gave it, without secrets.
    var json: JSONText {
        guard case .object(let members) = entry else { return entry.json }
        return .object(members.map { ($0.name, $0.name == "head" ? shownHead : $0.value.json) })
    }

    /// For people: what is known, then the head, then the body as text.
    var text: String {
        var lines: [String] = []
        if case .object(let members) = entry {
            let apart = ["head", "body_base64", "received_at_ns"]
            for member in members where !apart.contains(member.name) && member.value != .null {
                let value = member.name == "elements" ? member.value.json.text : member.value.text
                lines.append("\(member.name): \(printable(value))")
            }
        }
        lines.append("")
        for field in shownFields { lines.append("\(printable(field.name)): \(printable(field.value))") }
        let body = Array(entry["body_base64"].text.utf8).withUnsafeBytes { Base64.decode($0) } ?? []
        lines += ["", body.isEmpty ? "(no body)" : printable(String(decoding: body, as: UTF8.self))]
        return lines.joined(separator: "\n")
    }

    private var fields: [(name: String, value: String)] {
        entry["head"].elements.filter { $0.elements.count == 2 }.map { ($0.elements[0].text, $0.elements[1].text) }
    }

    private var shownHead: JSONText {
        .array(shownFields.map { .array([.string($0.name), .string($0.value)]) })
    }

    private var shownFields: [(name: String, value: String)] { hidden?.shown(fields) ?? fields }
}
