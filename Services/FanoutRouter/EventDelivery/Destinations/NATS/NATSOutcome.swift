import NATS

extension AttemptOutcome {
    /// What a stream's answer says of a delivery.
    init(_ reply: NATSReply) {
        switch reply {
        case .stored: self = .delivered
        // It may be there soon: a cluster that chooses a leader answers the same.
        case .noResponders:
            self = AttemptOutcome(verdict: .retry, end: .noSuchQueue, detail: "no stream takes the subject")
        case .malformed: self = .denied(.responseMalformed, "the answer is no acknowledgement")
        case .error(let code, let errorCode, let description):
            let end: AttemptEnd =
                switch (code, errorCode) {
                // JSStreamMessageExceedsMaximumErr
                case (_, 10054): .eventTooLarge
                case (400..<500, _): .refused
                default: .brokerUnavailable
                }
            self = .denied(end, "\(description) (\(errorCode))")
        }
    }

    /// Why there is no connection, or why it did not take a publication.
    init(_ error: NATSError) {
        self =
            switch error.code {
            case .unreachable: .failed(.connectFailed, error.sentence)
            case .timeout: .failed(.connectTimeout, error.sentence)
            case .accessDenied: .denied(.accessDenied, error.sentence)
            case .tlsFailed: .failed(.tlsFailed, error.sentence)
            case .tooLarge: .denied(.eventTooLarge, error.sentence)
            case .lost: .failed(.notSent, error.sentence)
            case .refused: .denied(.refused, error.sentence)
            }
    }

    /// Whether the way to the server may be there again soon, as after a restart.
    var mayPassSoon: Bool { [.connectFailed, .connectTimeout, .nameNotResolved].contains(end) }
}
