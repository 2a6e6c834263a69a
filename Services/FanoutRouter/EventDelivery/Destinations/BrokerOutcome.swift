import EventLog
import Wire

/// What sending to a queue or a stream comes to, whatever its protocol is.
extension AttemptEnd {
    /// The credentials are wrong, have ended, or may not do this.
    static let accessDenied = AttemptEnd("access_denied", .answered)
    /// The queue or stream is not there.
    static let noSuchQueue = AttemptEnd("no_such_queue", .answered)
    /// The event is larger than what the broker takes.
    static let eventTooLarge = AttemptEnd("event_too_large", .answered)
    static let throttled = AttemptEnd("throttled", .answered)
    /// The broker will not take this event, for a reason of its own.
    static let refused = AttemptEnd("refused", .answered)
    /// The broker has troubles of its own.
    static let brokerUnavailable = AttemptEnd("broker_unavailable", .answered)

    static let ofBrokers =
        [
            delivered, accessDenied, noSuchQueue, eventTooLarge, throttled, refused, brokerUnavailable,
        ] + ofNetwork
}

extension AttemptOutcome {
    /// A broker said no.
    static func denied(_ end: AttemptEnd, _ detail: String, retryAfterSeconds: Int? = nil) -> AttemptOutcome {
        let verdict: Verdict =
            switch end {
            case .accessDenied, .noSuchQueue, .refused: .final
            case .eventTooLarge: .tooLarge
            default: .retry
            }
        return AttemptOutcome(verdict: verdict, end: end, detail: detail, retryAfterSeconds: retryAfterSeconds)
    }
}

extension DeliveryContent {
    /// An attribute of its event, as text; nil where it has none.
    func attribute(_ name: StaticString) -> String? {
        withRecord { record in
            record.attribute(name).flatMap { $0.isEmpty ? nil : String(decoding: $0, as: UTF8.self) }
        } ?? nil
    }
}
