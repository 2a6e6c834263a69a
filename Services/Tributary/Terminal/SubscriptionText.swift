import JSON

/// Subscriptions for people to read.
enum SubscriptionText {
    private static let standing = [
        "state", "disabled_reason", "breaker", "concurrency_now", "cursor", "backlog", "in_flight", "retrying", "dead",
    ]

    /// What it is doing, then its settings as they are written in a document.
    static func one(_ subscription: JSONValue) -> String {
        guard case .object(let members) = subscription else { return printable(subscription.json.text) }
        var doing = Table(["  NOW", ""])
        var settings = Table(["  SETTING", ""])
        for member in members where member.name != "name" && member.value != .null {
            let cells = ["  " + member.name, plain(member.value)]
            if standing.contains(member.name) { doing.add(cells) } else { settings.add(cells) }
        }
        return [printable(subscription["name"].text), doing.text, "", settings.text].joined(separator: "\n")
    }

    /// One line about whether it delivers.
    static func state(_ subscription: JSONValue) -> String {
        let reason = subscription["disabled_reason"].text
        return printable(
            "\(subscription["name"].text) is \(subscription["state"].text)" + (reason.isEmpty ? "" : ": \(reason)"))
    }

    private static func plain(_ value: JSONValue) -> String {
        switch value {
        case .array, .object: value.json.text
        default: value.text
        }
    }
}
