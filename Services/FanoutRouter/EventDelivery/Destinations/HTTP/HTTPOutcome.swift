/// What HTTP requests come to.
extension AttemptEnd {
    static let gone = AttemptEnd("gone", .answered)
    static let redirect = AttemptEnd("redirect", .answered)
    /// Any other status than 2xx.
    static let status = AttemptEnd("status", .answered)

    static let ofHTTP = [delivered, gone, redirect, status] + ofNetwork
}

extension AttemptOutcome {
    /// A whole response head came. `location`: where a redirect leads, as it may be shown.
    static func answered(status: Int, retryAfterSeconds: Int? = nil, location: String? = nil) -> AttemptOutcome {
        let (verdict, end): (Verdict, AttemptEnd) =
            switch status {
            case 200..<300: (.delivered, .delivered)
            case 300..<400: (.final, .redirect)
            case 408, 429: (.retry, .status)
            case 410: (.gone, .gone)
            // The same bytes would come to the same (RFC 9110, section 15.5.14).
            case 413: (.tooLarge, .status)
            case 400..<500: (.final, .status)
            default: (.retry, .status)
            }
        return AttemptOutcome(
            verdict: verdict, end: end, detail: location.map { "to \($0), and redirects are not followed" } ?? "",
            retryAfterSeconds: retryAfterSeconds, status: status)
    }
}
