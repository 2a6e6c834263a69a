/// What attempts over a network come to, whatever is spoken there.
extension AttemptEnd {
    static let nameNotResolved = AttemptEnd("name_not_resolved", .resolve)
    static let connectFailed = AttemptEnd("connect_failed", .connect)
    static let connectTimeout = AttemptEnd("connect_timeout", .connect)
    static let tlsFailed = AttemptEnd("tls_failed", .connect)
    static let notSent = AttemptEnd("not_sent", .send)
    static let timeout = AttemptEnd("timeout", .answer)
    static let connectionClosed = AttemptEnd("connection_closed", .answer)
    /// What came is no answer in the protocol that is spoken.
    static let responseMalformed = AttemptEnd("response_malformed", .answer)

    static let ofNetwork = [
        addressRefused, nameNotResolved, connectFailed, connectTimeout, tlsFailed, notSent, timeout, connectionClosed,
        responseMalformed,
    ]
}

extension AttemptOutcome {
    /// No answer came.
    static func failed(_ end: AttemptEnd, _ detail: String) -> AttemptOutcome {
        let isLate = end == .timeout || end == .connectTimeout
        return AttemptOutcome(verdict: isLate ? .retry : .unreachable, end: end, detail: detail)
    }
}
