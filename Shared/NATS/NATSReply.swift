import JSON

/// What a server answered to a publication (JetStream, "Publish acknowledgement": `{"stream":…,"seq":…,"duplicate":true}`
/// or `{"error":{"code":…,"err_code":…,"description":…}}`).
package enum NATSReply: Sendable, Equatable {
    /// The stream has it; a duplicate it had before, by its `Nats-Msg-Id`.
    case stored(isDuplicate: Bool)
    /// No stream takes the subject, or JetStream is off; also while a cluster has no leader.
    case noResponders
    /// `code` is as of HTTP, `errorCode` NATS' own.
    case error(code: Int, errorCode: Int, description: String)
    case malformed

    package init(_ answer: [UInt8]) {
        guard let answer = JSONValue.read(answer) else {
            self = .malformed
            return
        }
        let error = answer["error"]
        if error != .null {
            self = .error(
                code: Int(error["code"].integer ?? 0), errorCode: Int(error["err_code"].integer ?? 0),
                description: error["description"].text)
        } else if answer["stream"] != .null, answer["seq"].integer != nil {
            self = .stored(isDuplicate: answer["duplicate"] == .bool(true))
        } else {
            self = .malformed
        }
    }
}
