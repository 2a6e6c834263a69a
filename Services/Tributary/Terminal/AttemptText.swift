import JSON

/// Requests to subscribers for people to read.
enum AttemptText {
    /// One line: `#2 2026-…Z  answered 503 after 12 ms: Service Unavailable`.
    static func line(_ attempt: JSONValue) -> String {
        let replay = attempt["replay"].text.isEmpty ? "" : ", replay \(attempt["replay"].text)"
        return printable("#\(attempt["number"].text) \(attempt["started"].text)  \(outcome(attempt))\(replay)")
    }

    /// What came of a test request, with the beginning of the answer.
    static func test(_ attempt: JSONValue) -> String {
        let answer = attempt["answer"].text
        return printable("\(attempt["subscription"].text): \(outcome(attempt))")
            + (answer.isEmpty ? "" : "\nanswer: \(printable(answer))")
    }

    private static func outcome(_ attempt: JSONValue) -> String {
        let status = attempt["status"].text
        let detail = attempt["detail"].text
        let phase = attempt["phase"].text == "answered" ? "" : " (phase \(attempt["phase"].text))"
        return attempt["outcome"].text + (status.isEmpty ? "" : " \(status)") + phase
            + " after \(WhileText.brief(attempt["duration_seconds"]))" + (detail.isEmpty ? "" : ": \(detail)")
    }
}
