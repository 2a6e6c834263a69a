/// What one attempt came to, by the phase in which it ended; `RetryPolicy` decides what follows.
enum AttemptOutcome: Sendable, Equatable {
    /// A complete response head came. `location`: where a redirect leads, as it may be shown.
    case answered(status: Int, retryAfterSeconds: Int?, location: String? = nil)
    /// The subscriber cannot have taken it: no whole request was sent.
    case failedBefore(BeforeSending, String)
    /// The request went out and no answer came.
    case failedDuring(WhileWaiting, String)

    /// Failures before the first byte left.
    enum BeforeSending: String, Sendable {
        case addressRefused = "address_refused"
        case nameNotResolved = "name_not_resolved"
        case connectFailed = "connect_failed"
        case connectTimeout = "connect_timeout"
        case tlsFailed = "tls_failed"
        case notSent = "not_sent"
    }

    /// Failures after it.
    enum WhileWaiting: String, Sendable {
        case timeout
        case connectionClosed = "connection_closed"
        case responseMalformed = "response_malformed"
    }

    /// Whether there was no connection or it was lost; a time-out is none.
    var isNetworkError: Bool {
        switch self {
        case .answered, .failedBefore(.connectTimeout, _), .failedDuring(.timeout, _): false
        case .failedBefore, .failedDuring: true
        }
    }

    /// The stable word in metrics, API and log.
    var word: String {
        switch self {
        case .answered(200..<300, _, _): "delivered"
        case .answered(410, _, _): "gone"
        case .answered(300..<400, _, _): "redirect"
        case .answered: "status"
        case .failedBefore(let cause, _): cause.rawValue
        case .failedDuring(let cause, _): cause.rawValue
        }
    }

    /// All words, for making counters once.
    static let words = [
        "delivered", "gone", "redirect", "status", "address_refused", "name_not_resolved", "connect_failed",
        "connect_timeout", "tls_failed", "not_sent", "timeout", "connection_closed", "response_malformed",
    ]

    var status: Int? {
        if case .answered(let status, _, _) = self { status } else { nil }
    }

    /// A sentence part for people; empty where the status says it all.
    var detail: String {
        switch self {
        case .answered(_, _, let location): location.map { "to \($0), and redirects are not followed" } ?? ""
        case .failedBefore(_, let detail), .failedDuring(_, let detail): detail
        }
    }

    /// Why a delivery died of this attempt.
    var reason: String {
        switch self {
        case .answered(let status, _, _): detail.isEmpty ? "status \(status)" : "status \(status): \(detail)"
        case .failedBefore, .failedDuring: detail.isEmpty ? word : "\(word): \(detail)"
        }
    }
}
