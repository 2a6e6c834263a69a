import Glibc

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
enum RetryAfter {
    /// The wait in seconds; nil where there is none to be read. A date is taken relative to the answer's own `Date`,
    /// so that the two clocks need not agree; without one, to this machine's clock.
    static func seconds(_ text: String?, date: String?) -> Int? {
        guard let text, !text.isEmpty, text.utf8.count <= 40 else { return nil }
        if text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            return text.utf8.count <= 9 ? Int(text) : nil
        }
        guard let due = time(of: text) else { return nil }
        return max(0, due - (date.flatMap { time(of: $0) } ?? Glibc.time(nil)))
    }

    /// Seconds since 1970 of an IMF-fixdate (RFC 9110, section 5.6.7), the only form that may still be sent:
    /// `Wed, 21 Oct 2026 07:28:00 GMT`.
    private static func time(of text: String) -> Int? {
        let fields = text.split(separator: " ", omittingEmptySubsequences: false)
        guard text.utf8.count == 29, fields.count == 6, fields[5] == "GMT", fields[0].hasSuffix(","),
            let day = Int32(fields[1]), let month = months.firstIndex(of: fields[2]), let year = Int32(fields[3])
        else { return nil }
        let clock = fields[4].split(separator: ":").compactMap { Int32($0) }
        guard clock.count == 3, (1...31).contains(day), (0...23).contains(clock[0]), (0...59).contains(clock[1]),
            (0...60).contains(clock[2])
        else { return nil }
        var parts = tm()
        (parts.tm_mday, parts.tm_mon, parts.tm_year) = (day, Int32(month), year - 1900)
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (clock[0], clock[1], clock[2])
        return timegm(&parts)
    }

    private static let months: [Substring] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
