import JSON

/// Replays for people to read.
enum ReplayText {
    /// What a replay would be, or is.
    static func one(_ replay: JSONValue) -> String {
        if replay["dry_run"] == .bool(true) {
            let count = replay["count"].text
            return printable("\(count) \(count == "1" ? "delivery" : "deliveries") would be made; nothing was queued")
        }
        return progress(replay)
    }

    /// On one line.
    static func progress(_ replay: JSONValue) -> String {
        let (waiting, skipped) = (replay["waiting"].integer ?? 0, replay["skipped"].integer ?? 0)
        var parts = [
            "replay \(replay["id"].text) to \(replay["subscription"].text): \(replay["state"].text)",
            "\(replay["queued"].text) queued",
        ]
        if waiting > 0 { parts.append("\(waiting) of them not ended") }
        if skipped > 0 { parts.append("\(skipped) were waiting already") }
        if replay["state"].text == "running" {
            parts.append("looked at up to \(replay["position"].text) of \(replay["last"].text)")
        }
        return printable(parts.joined(separator: ", "))
    }

    /// Whether nothing of it is left to do.
    static func hasEnded(_ replay: JSONValue) -> Bool {
        replay["state"].text != "running" && (replay["waiting"].integer ?? 0) == 0
    }
}
