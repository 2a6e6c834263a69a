/// How far an attempt came, read off the word of its outcome.
enum AttemptPhase: String, CaseIterable {
    /// The name was not resolved, or none of its addresses may be used.
    case resolve
    /// There was no connection.
    case connect
    /// The request did not go out whole.
    case send
    /// No whole answer came.
    case answer
    /// A whole answer came.
    case answered

    /// The words of `AttemptOutcome` that belong to it.
    var outcomes: [String] { AttemptOutcome.words.filter { AttemptPhase(outcome: $0) == self } }

    init(outcome word: String) {
        self =
            switch word {
            case "address_refused", "name_not_resolved": .resolve
            case "connect_failed", "connect_timeout", "tls_failed": .connect
            case "not_sent": .send
            case "timeout", "connection_closed", "response_malformed": .answer
            default: .answered
            }
    }
}
